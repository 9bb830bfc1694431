// The inbox's keys and its ready-made sentences. Without this file every link and button works the same.
(() => {
  "use strict";

  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");
  const rows = () => [...document.querySelectorAll("a[data-row]")];

  // On the list j and k move the focus, in a conversation they go to the one beside it.
  const step = (by) => {
    const all = rows();
    if (all.length === 0) {
      document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]")?.click();
      return;
    }
    const here = all.indexOf(document.activeElement.closest("a[data-row]"));
    const row = all[here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + by))];
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  };

  // The field is the fragment's target, so that the browser puts the cursor there.
  const answer = () => {
    const row = document.activeElement.closest("a[data-row]");
    if (row) location.assign(row.href + "#text");
    else document.querySelector("#text")?.focus();
  };

  const done = () => {
    const row = document.activeElement.closest("a[data-row]");
    const form = row ? row.parentElement.querySelector("form") : document.querySelector("#settle-form");
    form?.requestSubmit();
  };

  const keys = { j: () => step(1), k: () => step(-1), r: answer, e: done, u: () => document.querySelector("a[data-key=u]")?.click() };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.id === "text") {
      event.target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target) || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  // A sentence goes to where the cursor is.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-insert]");
    const text = document.querySelector("#text");
    if (!button || !text) return;
    event.preventDefault();
    const before = text.value.slice(0, text.selectionStart);
    const gap = before === "" || /\s$/.test(before) ? "" : " ";
    text.setRangeText(gap + button.dataset.insert, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
    text.focus();
  });
})();
