// Keeps a page that changes up to date. Nothing is replaced while the visitor uses a field or a
// button of it, and the page stops to ask when it no longer changes.
"use strict";

const every = 2000;

async function refresh() {
  const main = document.querySelector("main");
  if (document.hidden || main.contains(document.activeElement)) {
    return true;
  }
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) {
    return false;
  }
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!next.querySelector('script[src="/static/app.js"]')) {
    location.reload(); // nothing goes on any more; it may be a page with styles of its own
    return false;
  }
  main.replaceWith(next.querySelector("main"));
  document.querySelector("header").replaceWith(next.querySelector("header"));
  document.title = next.title;
  return true;
}

async function loop() {
  try {
    if (await refresh()) {
      setTimeout(loop, every);
    }
  } catch {
    setTimeout(loop, 5 * every); // the server is away for a moment
  }
}

setTimeout(loop, every);
