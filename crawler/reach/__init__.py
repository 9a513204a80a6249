"""What seeds add to the reach of a crawl, and what it looks at again when its rules change."""
