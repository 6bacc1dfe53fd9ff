// Lights up evidence, tells the time that is left, keeps the place after a change.
// Every act works without this file: links jump, forms post.
"use strict";

(() => {
  const lit = "lit";

  const clear = () => {
    for (const one of document.querySelectorAll("." + lit)) one.classList.remove(lit);
  };

  const rests = (element, id) => (element.dataset.sentences || "").split(" ").includes(id);

  const show = (element) => {
    if (!element) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const behavior = calm ? "auto" : "smooth";
    const pane = element.closest("#transcript");
    if (!pane || getComputedStyle(pane).overflowY !== "auto") {
      element.scrollIntoView({ block: "center", behavior });
      return;
    }
    // Beside the draft the transcript scrolls by itself, so that the draft stays where it is.
    const inside = element.getBoundingClientRect().top - pane.getBoundingClientRect().top;
    pane.scrollBy({ top: inside - pane.clientHeight / 3, behavior });
  };

  const lightSentence = (sentence) => {
    clear();
    sentence.classList.add(lit);
    const pieces = [...document.querySelectorAll(".evidence")].filter((piece) =>
      rests(piece, sentence.dataset.sentence));
    for (const piece of pieces) {
      piece.classList.add(lit);
      piece.closest(".turn").classList.add(lit);
    }
    show(pieces[0] || document.getElementById("turn-" + sentence.dataset.turns.split(" ")[0]));
  };

  const lightSentences = (source) => {
    clear();
    source.closest(".turn").classList.add(lit);
    const ids = source.dataset.sentences.split(" ");
    const sentences = ids.map((id) => document.getElementById("s-" + id)).filter(Boolean);
    for (const sentence of sentences) sentence.classList.add(lit);
    for (const piece of document.querySelectorAll(".evidence"))
      if (ids.some((id) => rests(piece, id))) piece.classList.add(lit);
    show(sentences[0]);
    const words = sentences[0] && sentences[0].querySelector("a.words");
    if (words) words.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const words = event.target.closest("a.words");
    if (words) {
      event.preventDefault();
      lightSentence(words.closest(".sentence"));
      return;
    }
    const source = event.target.closest(".reverse, .evidence");
    if (source) {
      event.preventDefault();
      lightSentences(source);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") clear();
  });

  // A second press must not sign twice; the server would not mind, but the person would wonder.
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form.signature");
    if (form) form.querySelector("button").disabled = true;
  });

  document.addEventListener("toggle", (event) => {
    const edit = event.target;
    if (edit.open && edit.matches && edit.matches("details.edit") && ready)
      edit.querySelector("textarea").focus();
  }, true);

  let changing = null;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const place = event.target.closest(".sentence, #speakers");
    changing = place ? place.id : null;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const changed = changing && document.getElementById(changing);
    if (!changed) return;
    changing = null;
    clear();
    const place = changed.querySelector("a.words, summary, button");
    // Naming a voice makes the whole page anew: its own place has moved.
    if (place) place.focus({ preventScroll: changed.id !== "speakers" });
  });

  const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("time[datetime]"))
    time.textContent = day.format(new Date(time.dateTime));

  const left = (closes) => {
    const minutes = Math.floor((closes - Date.now()) / 60000);
    if (minutes < 0) return "closed";
    if (minutes < 1) return "less than a minute left";
    if (minutes < 60) return minutes + " min left";
    return Math.floor(minutes / 60) + " h " + (minutes % 60) + " min left";
  };
  const tick = () => {
    for (const place of document.querySelectorAll("[data-closes]")) {
      const closes = new Date(place.dataset.closes);
      place.textContent = left(closes);
      place.title = "Open until " + day.format(closes);
      place.classList.toggle("soon", closes - Date.now() < 2 * 3600 * 1000);
    }
  };
  tick();
  setInterval(tick, 30000);

  let ready = false;
  requestAnimationFrame(() => { ready = true; });
})();
