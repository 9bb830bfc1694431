// Keeps what is typed about a visit on this device until the server has it: a factory hall has bad signal. Without this file
// the form works the same.
(() => {
  "use strict";

  const find = () => document.querySelector("form[data-keep]");
  const fields = (form) => [...new FormData(form)].filter(([name]) => name !== "version");

  const say = (form, what, bad) => {
    for (const line of form.querySelectorAll(".kept-line")) { // above the form and by the button
      line.textContent = form.dataset[what];
      line.classList.toggle("bad", Boolean(bad));
      line.dataset.says = what;
    }
  };

  // A browser may keep nothing, by its settings or for want of space: then nothing is promised.
  const store = {
    read: (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
    write: (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); return true; } catch { return false; } },
    clear: (key) => { try { localStorage.removeItem(key); } catch { /* nothing was kept */ } },
  };

  const keep = (form) => store.write(form.dataset.keep, { version: form.elements.version.value, fields: fields(form) });

  const restore = (form, kept) => {
    form.elements.version.value = kept.version; // what somebody else saved since is told when it is saved
    for (const field of form.elements) {
      if (!field.name || field.name === "version") continue;
      const values = kept.fields.filter(([name]) => name === field.name).map(([, value]) => value);
      if (field.type === "radio" || field.type === "checkbox") field.checked = values.includes(field.value);
      else if (values.length > 0) field.value = values[0];
    }
  };

  // The sentence to the participants follows the first agreement until it is one of its own.
  let follows = false;
  const begin = () => {
    const form = find();
    if (!form) return;
    const key = form.dataset.keep;
    const kept = store.read(key);
    if ("confirmed" in form.dataset) store.clear(key);
    else if ("typed" in form.dataset) keep(form);
    else if (kept) {
      restore(form, kept);
      form.closest("details")?.setAttribute("open", "");
      say(form, "restored");
    }
    follows = form.elements.agreed.value === "" || form.elements.agreed.value === form.elements.what1.value;
  };

  const changed = (event) => {
    const form = event.target.closest("form[data-keep]");
    if (!form) return;
    if (event.target.name === "what1" && follows) form.elements.agreed.value = event.target.value;
    if (event.target.name === "agreed") follows = event.target.value === form.elements.what1.value;
    if (keep(form)) say(form, "kept");
  };
  document.addEventListener("input", changed);
  document.addEventListener("change", changed);

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-keep]");
    if (!form) return;
    event.preventDefault();
    const button = form.querySelector(".main-button");
    if (button.disabled) return;
    keep(form);
    button.disabled = true;
    say(form, "saving");
    let answer, text;
    try {
      answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: AbortSignal.timeout(30000) });
      text = await answer.text();
    } catch {
      say(form, "failed", true);
      return;
    } finally {
      button.disabled = false;
    }
    const at = new URL(answer.url);
    if (answer.ok && at.searchParams.has("saved")) {
      store.clear(form.dataset.keep);
      location.assign(at.pathname + at.search + "#outcome");
    } else if (answer.redirected) {
      say(form, "signedOut", true);
    } else if (answer.status === 400 || answer.status === 409) { // one sentence, and what was typed
      const page = new DOMParser().parseFromString(text, "text/html").querySelector("main");
      if (!page) {
        say(form, "failed", true);
        return;
      }
      document.querySelector("main").replaceChildren(...page.childNodes);
      begin();
      (document.querySelector(".others") ?? document.querySelector(".outcome .fault-line"))?.scrollIntoView({ block: "center" });
      document.querySelector(".outcome [aria-invalid]")?.focus({ preventScroll: true });
    } else {
      say(form, "failed", true);
    }
  });

  begin();
})();
