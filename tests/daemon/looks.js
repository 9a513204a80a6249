// Measures what a page of the dashboard looks like. looks.py runs it in the page.
({
  // What is cut, lies out of the page, or overlaps. Only one dialog can be pressed while it is open.
  measure: () => {
    scrollTo(0, 0);
    const faults = [];
    const wide = document.documentElement.clientWidth;
    const name = (one) => `${one.tagName.toLowerCase()}.${one.className?.baseVal ?? one.className} "${(one.textContent || one.name || "").trim().slice(0, 40)}"`;
    const isShown = (one) => one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && !one.closest(".hidden, .skip, option");
    const shown = [...document.body.querySelectorAll("*")].filter(isShown);
    if (document.documentElement.scrollWidth > wide) faults.push(`the page is ${document.documentElement.scrollWidth} wide`);
    for (const one of shown) {
      const box = one.getBoundingClientRect();
      if (box.width && (box.right > wide + 0.5 || box.left < -0.5)) faults.push(`out of the page: ${name(one)} ${box.left}..${box.right}`);
      const style = getComputedStyle(one);
      const isCut = style.overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1 && !one.closest(".uplot, select, input, textarea");
      if (isCut && one.textContent.trim() && style.color !== "rgba(0, 0, 0, 0)") faults.push(`cut: ${name(one)}`);
    }
    const top = document.querySelector("dialog") || document.body;
    const pressed = shown.filter((one) => top.contains(one) && one.matches("a[href], button, input, select, textarea, summary"));
    const boxes = pressed.map((one) => [...one.getClientRects()].filter((box) => box.width && box.height));
    pressed.forEach((one, n) => pressed.slice(n + 1).forEach((other, m) => {
      if (one.contains(other) || other.contains(one)) return;
      const isOver = boxes[n].some((a) => boxes[n + 1 + m].some((b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1));
      if (isOver) faults.push(`overlap: ${name(one)} and ${name(other)}`);
    }));
    return [...new Set(faults)];
  },
  // Text whose contrast to what is behind it is below `least`, with the ratio.
  contrast: (least) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    const known = new Map();
    const read = (colour) => {
      if (!known.has(colour)) {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        known.set(colour, [r, g, b, a / 255]);
      }
      return known.get(colour);
    };
    const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
    const behind = (one) => {
      if (!one) return [255, 255, 255];
      const colour = read(getComputedStyle(one).backgroundColor);
      return colour[3] === 1 ? colour.slice(0, 3) : over(colour, behind(one.parentElement));
    };
    const light = (rgb) => {
      const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const opacity = (one) => (one ? Number(getComputedStyle(one).opacity) * opacity(one.parentElement) : 1);
    const faults = new Set();
    const check = (one, style, text) => {
      const ground = behind(one);
      const [r, g, b, a] = read(style.color);
      if (a === 0) return;
      const ink = over([r, g, b, a * opacity(one)], ground);
      const [high, low] = [light(ink), light(ground)].sort((x, y) => y - x);
      const ratio = (high + 0.05) / (low + 0.05);
      if (ratio < least) faults.add(`${ratio.toFixed(2)}: ${one.tagName.toLowerCase()}.${one.className} "${text.trim().slice(0, 40)}"`);
    };
    for (const one of document.body.querySelectorAll("*")) {
      if (!one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || one.closest(".hidden, .skip, option, :disabled, .u-over")) continue;
      const own = [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("").trim();
      if (own) check(one, getComputedStyle(one), own);
      const before = getComputedStyle(one, "::before");
      if (!["none", "normal", '""'].includes(before.content)) check(one, before, before.content);
      const typed = one.matches("input:not([type=checkbox], [type=file]), textarea") && (one.value || one.placeholder);
      if (typed) check(one, getComputedStyle(one, one.value ? null : "::placeholder"), typed);
    }
    return [...faults];
  },
  // Elements that move or fade.
  moving: () => [...document.querySelectorAll("*")].filter((one) => [getComputedStyle(one), getComputedStyle(one, "::before")].some((style) =>
    [style.transitionDuration, style.animationName === "none" ? "0s" : style.animationDuration].some((all) => all.split(", ").some((time) => parseFloat(time) > 0.001))))
    .map((one) => `${one.tagName} ${one.className}`),
  // The element in focus by name, and whether it shows that.
  focus: () => {
    const one = document.activeElement;
    const style = getComputedStyle(one);
    const isSeen = (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    return [one === document.body ? "" : `${one.tagName} ${one.name || one.textContent.trim().slice(0, 30)}`, isSeen];
  },
})
