// Winding and writing without a full reload. Without this file the same forms post and the page loads anew.
(() => {
  "use strict";

  // Phones show their newest text.
  const settle = () => {
    for (const talk of document.querySelectorAll(".talk")) talk.scrollTop = talk.scrollHeight;
  };

  const swap = async (form, button) => {
    const body = new URLSearchParams(new FormData(form, button));
    const focus = button && button.value ? null : form.closest(".phone");
    const pressed = button && form.classList.contains("wind") ? button.value : "";
    const clock = document.querySelector(".clock");
    clock.classList.add("turning");
    clock.querySelector(".busy").hidden = false;
    for (const b of document.querySelectorAll("form[data-swap] button")) b.disabled = true;
    const answer = await fetch(form.action, { method: "POST", body });
    if (!answer.ok) throw new Error("answered " + answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (!fresh) throw new Error("no page came back");
    const main = document.querySelector("main");
    const desk = main.querySelector(".desk");
    const deskAt = desk ? desk.scrollTop : 0;
    const pageAt = window.scrollY;
    main.replaceChildren(...fresh.childNodes);
    const newDesk = main.querySelector(".desk");
    if (newDesk) newDesk.scrollTop = deskAt;
    settle();
    window.scrollTo(0, pageAt);
    if (focus) document.querySelector("#" + focus.id + " input[name=text]")?.focus({ preventScroll: true });
    if (pressed) document.querySelector(`.wind button[value=${pressed}]`)?.focus({ preventScroll: true });
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-swap]")) return;
    event.preventDefault();
    swap(form, event.submitter).catch(() => location.assign("/demo"));
  });

  settle();
})();
