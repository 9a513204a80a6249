// The engine whose crawls this page shows. Empty: it is the page of a daemon, which crawls itself.

export const engine = document.documentElement.dataset.engine || "";
