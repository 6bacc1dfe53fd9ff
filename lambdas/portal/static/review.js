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
    if (!form) return;
    const button = form.querySelector("button");
    delete button.dataset.from;
    setTimeout(() => { button.disabled = true; });
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

  // Reading ----------------------------------------------------------------------------------
  // A section counts as read when each of its sentences was on the screen for as long as a fast
  // reader needs for it. Whoever does not read from the screen says so with the button.

  const onScreen = new Map();   // sentence element → seconds on the screen
  const visible = new Set();
  const watcher = new IntersectionObserver((changes) => {
    for (const one of changes)
      if (one.isIntersecting) visible.add(one.target); else visible.delete(one.target);
  }, { threshold: 0.6 });
  const told = new Set();

  const watch = () => {
    const draft = document.getElementById("draft");
    if (!draft) return;
    for (const one of onScreen.keys()) if (!one.isConnected) { onScreen.delete(one); visible.delete(one); }
    for (const one of draft.querySelectorAll(".sentences > li"))
      if (!onScreen.has(one)) { onScreen.set(one, 0); watcher.observe(one); }
  };
  const read = (seconds) => {
    const draft = document.getElementById("draft");
    if (!draft || document.hidden) return;
    for (const one of visible) onScreen.set(one, (onScreen.get(one) || 0) + seconds);
    const needs = (one) => one.textContent.trim().split(/\s+/).length * 60 / Number(draft.dataset.speed);
    for (const list of draft.querySelectorAll("[data-section]")) {
      const form = draft.querySelector("#section-" + list.dataset.section + " .seen-form");
      if (!form || !form.querySelector("button") || told.has(form)) continue;
      // Beside the words there are buttons, so this is never less than the sentence takes.
      if ([...list.children].every((one) => (onScreen.get(one) || 0) >= Math.min(needs(one), 10))) {
        told.add(form);
        form.requestSubmit();
      }
    }
  };
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt.closest && event.detail.elt.closest(".seen-form");
    if (!form) return;
    if (!event.detail.successful) { setTimeout(() => told.delete(form), 10000); return; }
    const focused = form.contains(document.activeElement);
    const mark = document.createElement("span");
    mark.className = "seen";
    mark.textContent = "Read";
    const button = form.querySelector("button");
    if (button) button.replaceWith(mark);
    if (focused) form.parentElement.focus({ preventScroll: true });
  });

  // Writing ------------------------------------------------------------------------------------
  // What is typed is saved while it is typed, without touching the page: the place of the cursor,
  // and what a reader of the page has before them, stay. Closing the sentence shows it anew.

  const draftVersion = () => Number(document.getElementById("draft").dataset.version);
  const setVersion = (version) => {
    const draft = document.getElementById("draft");
    // Another window wrote in between: what this page shows of the rest is old, and its buttons say so.
    if (version > Number(draft.dataset.version) + 1) return signing(draft);
    draft.dataset.version = version;
    for (const one of draft.querySelectorAll("input[name=version]")) one.value = version;
    signing(draft);
  };
  const signing = (draft) => {
    // The text has changed under the signature: that part of the page is asked for anew.
    htmx.ajax("GET", "/sessions/" + draft.dataset.session + "/sign", { target: "#sign", swap: "outerHTML" });
  };
  const tell = (words, kind, link) => {
    const place = document.createElement("p");
    place.className = kind;
    place.textContent = words;
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = "/auth/sign-in";
      anchor.target = "_blank";
      anchor.textContent = link;
      place.append(" ", anchor);
    }
    document.getElementById("notice").replaceChildren(place);
  };
  const whole = (area) => area.dataset.gap
    ? area.dataset.was.replace(area.dataset.gap, area.value.trim()) : area.value;
  const unsaved = new Set();
  let saving = Promise.resolve();
  const timers = new WeakMap();

  const believed = (area) => area.dataset.saved || area.dataset.was;
  const patch = async (area) => {
    const where = "/api/sessions/" + document.getElementById("draft").dataset.session + "/draft";
    const answer = await fetch(where + "/sentences/" + area.dataset.autosave, {
      method: "PATCH",
      headers: { "content-type": "application/json", "x-csrf-token": area.form.elements.csrf.value },
      body: JSON.stringify({ version: draftVersion(), text: whole(area), was: believed(area) }),
    });
    return { status: answer.status, document: await answer.json(), where };
  };
  const sentenceIn = (document, id) => {
    for (const section of document.note.sections)
      for (const one of section.sentences) if (one.id === id) return one.text;
    return null;
  };
  const save = async (area) => {
    if (!area.isConnected || !area.value.trim() || !unsaved.has(area)) return;
    const text = whole(area);
    if (text === believed(area)) { unsaved.delete(area); return; }
    try {
      const answer = await patch(area);
      if (answer.document.error && answer.document.error.code === "DraftChanged") {
        const now = await (await fetch(answer.where)).json();
        if (now.error) throw new Error(now.error.code);
        const there = sentenceIn(now, area.dataset.autosave);
        tell("This sentence was changed in another window, to: \u201c" + there
          + "\u201d. What you wrote stays here: press Save to have it instead.", "refusal");
        area.dataset.saved = there;
        setVersion(now.version);
        return;
      }
      if (answer.status === 401) {
        tell("Your sign-in has run out. What you wrote stays here.", "refusal",
          "Sign in in a new tab, then it is saved.");
        return;
      }
      if (answer.document.error) {
        tell(answer.document.error.message + ". " + answer.document.error.hint, "refusal");
        return;
      }
      setVersion(answer.document.version);
      area.dataset.saved = text.split(/\s+/).filter(Boolean).join(" ");
      if (whole(area) === text) unsaved.delete(area);
      tell("Saved.", "saved");
    } catch {
      tell("No connection: what you wrote is only in this window. It is saved when the connection is back.", "refusal");
    }
  };
  const queue = (area) => { saving = saving.then(() => save(area)); return saving; };
  const later = (area, milliseconds) => {
    clearTimeout(timers.get(area));
    timers.set(area, setTimeout(() => queue(area), milliseconds));
  };
  const again = () => { for (const area of unsaved) later(area, 0); };

  document.addEventListener("input", (event) => {
    const area = event.target.closest("textarea[data-autosave]");
    if (!area || !area.form.elements.csrf) return;
    unsaved.add(area);
    later(area, 1200);
  });
  document.addEventListener("change", (event) => {
    const area = event.target.closest("textarea[data-autosave]");
    if (area && unsaved.has(area)) later(area, 0);
  });
  window.addEventListener("online", again);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) again(); });
  window.addEventListener("focus", again);
  window.addEventListener("beforeunload", (event) => { if (unsaved.size) event.preventDefault(); });

  // A pressed button waits for what is being saved, and then speaks of the newest version.
  document.addEventListener("htmx:confirm", (event) => {
    const form = event.detail.elt.closest && event.detail.elt.closest("#draft form");
    if (!form || form.matches(".seen-form")) return;
    event.preventDefault();
    const area = form.querySelector("textarea[data-autosave]");
    if (area) { clearTimeout(timers.get(area)); }
    saving.then(() => event.detail.issueRequest(true));
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const form = event.detail.elt.closest && event.detail.elt.closest("#draft form");
    if (!form || !event.detail.parameters.version) return;
    event.detail.parameters.version = draftVersion();
    const area = form.querySelector("textarea[data-autosave]");
    if (!area || !["complete", "rewrite"].includes(event.detail.parameters.act)) return;
    // The gap may have been filled while it was typed.
    event.detail.parameters.act = "rewrite";
    event.detail.parameters.text = whole(area);
    event.detail.parameters.was = believed(area);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt.closest && event.detail.elt.closest(".tools");
    const area = form && form.querySelector("textarea[data-autosave]");
    if (area && event.detail.successful) unsaved.delete(area);
  });
  // A draft that is made anew on the page still holds what was being typed in another sentence.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.shouldSwap || !["draft", "sides"].includes(event.detail.target.id)) return;
    kept = [...unsaved].filter((area) => area.isConnected).map((area) =>
      ({ id: area.id, value: area.value, saved: believed(area) }));
  });
  let kept = [];
  document.addEventListener("htmx:afterSwap", () => {
    for (const one of kept) {
      const area = document.getElementById(one.id);
      if (!area || area.value === one.value) continue;
      area.value = one.value;
      const details = area.closest("details");
      if (details) details.open = true;
      unsaved.add(area);
      later(area, 1200);
    }
    kept = [];
    for (const area of unsaved) if (!area.isConnected) unsaved.delete(area);
    watch();
  });
  // A sentence that is closed is shown as it is now.
  document.addEventListener("toggle", (event) => {
    const edit = event.target;
    if (edit.matches && edit.matches("details.edit") && !edit.open && ready) {
      const area = edit.querySelector("textarea");
      if (area.dataset.saved) edit.querySelector("button[value=rewrite]").click();
    }
  }, true);
  document.addEventListener("keydown", (event) => {
    const button = document.getElementById("undo");
    const typing = event.target.closest("textarea, input");
    if (button && !typing && (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
      event.preventDefault();
      button.click();
    }
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
  const open = () => {
    for (const button of document.querySelectorAll("button[data-from]")) {
      const left = Math.ceil((new Date(button.dataset.from) - Date.now()) / 1000);
      const words = left > 0 ? "Sign note (in " + left + " s, the time it takes to read)" : "Sign note";
      if (button.textContent !== words) button.textContent = words;
      button.disabled = left > 0;
    }
  };
  tick();
  setInterval(tick, 30000);
  watch();
  setInterval(() => { read(0.25); open(); }, 250);

  let ready = false;
  requestAnimationFrame(() => { ready = true; });
})();
