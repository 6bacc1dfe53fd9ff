// Asks for the list every second and a half, says in the title how many are open, and makes a sound.
"use strict";

(() => {
  const place = document.getElementById("alerts");
  const state = document.getElementById("alert-state");
  const sound = document.getElementById("sound");
  const title = document.title;
  let context = null, shown = null, known = null;

  const ids = () => [...place.querySelectorAll("[data-alert]")].map((one) => one.dataset.alert);
  const beep = () => {
    if (!context) return;
    for (const [start, pitch] of [[0, 880], [0.18, 660], [0.36, 880]]) {
      const tone = context.createOscillator(), loud = context.createGain();
      tone.frequency.value = pitch;
      loud.gain.value = 0.2;
      tone.connect(loud).connect(context.destination);
      tone.start(context.currentTime + start);
      tone.stop(context.currentTime + start + 0.14);
    }
  };
  const tell = () => {
    const open = ids();
    document.title = open.length ? "(" + open.length + ") " + title : title;
    const fresh = known === null ? [] : open.filter((one) => !known.includes(one));
    known = open;
    if (!fresh.length) return;
    state.textContent = fresh.length === 1 ? "A new alert." : fresh.length + " new alerts.";
    beep();
  };
  const look = async () => {
    try {
      const answer = await fetch(place.dataset.list, { signal: AbortSignal.timeout(5000) });
      if (answer.status === 401) {
        state.textContent = "Your sign-in has run out: this list is old. Sign in again.";
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      if (state.dataset.lost) { state.textContent = ""; delete state.dataset.lost; }
      if (html === shown) return;
      const focused = document.activeElement && document.activeElement.closest("[data-alert]");
      const kept = focused && focused.dataset.alert;
      // The portal's own list, in which everything that came from people is escaped.
      place.innerHTML = html;
      shown = html;
      tell();
      const again = kept && [...place.querySelectorAll("[data-alert]")].find((one) => one.dataset.alert === kept);
      if (again) again.querySelector("button").focus();
    } catch {
      state.textContent = "No connection: this list may be old.";
      state.dataset.lost = "yes";
    }
  };

  sound.hidden = false;
  sound.addEventListener("click", () => {
    if (context) { context.close(); context = null; } else { context = new AudioContext(); beep(); }
    sound.setAttribute("aria-pressed", String(Boolean(context)));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "a" || event.ctrlKey || event.metaKey || event.altKey) return;
    const first = place.querySelector("[data-alert] button");
    if (first) first.click();
  });
  tell();
  setInterval(look, 1500);
})();
