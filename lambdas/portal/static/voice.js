// Records a clinician's own voice, or takes a file, sends it once, and waits for the outcome.
"use strict";

(() => {
  const card = document.getElementById("voice");
  const consent = document.getElementById("voice-consent");
  const record = document.getElementById("voice-record");
  const file = document.getElementById("voice-file");
  const progress = document.getElementById("voice-progress");
  const seconds = Number(card.dataset.seconds);
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  let busy = false;

  const say = (words, bad = false) => {
    progress.textContent = words;
    progress.classList.toggle("refusal", bad);
  };

  const ask = async (method, path, body) => {
    const answer = await fetch(path, {
      method,
      headers: { "content-type": "application/json", "x-csrf-token": card.dataset.csrf },
      body: body && JSON.stringify(body),
    });
    const document = await answer.json();
    if (!answer.ok) throw new Error(document.error.message + ". " + document.error.hint);
    return document;
  };

  // A cold endpoint takes minutes to wake; after that the page is told when it is opened again.
  const outcome = async () => {
    for (let tries = 0; tries < 200; tries += 1) {
      await wait(3000);
      const standing = await ask("GET", "/api/me/voice");
      if (!standing.waiting) { location.reload(); return; }
    }
  };

  const send = async (recording) => {
    say("Sending…");
    const type = recording.type.split(";")[0] || "audio/wav";
    const ticket = await ask("POST", "/api/me/voice/upload",
      { content_type: type, consent: consent.checked });
    const sent = await fetch(ticket.url, { method: "PUT", headers: ticket.headers, body: recording });
    if (!sent.ok) throw new Error("The recording did not arrive. Try again.");
    say("Sent. Your voice print is being made; this takes up to a few minutes.");
    await outcome();
  };

  const listen = async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    try {
      const recorder = new MediaRecorder(stream);
      const parts = [];
      recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
      const stopped = new Promise((done) => recorder.addEventListener("stop", done, { once: true }));
      recorder.start();
      for (let left = seconds; left > 0; left -= 1) {
        say("Recording: read the text aloud. " + left + " s left.");
        await wait(1000);
      }
      recorder.stop();
      await stopped;
      return new Blob(parts, { type: recorder.mimeType });
    } finally {
      for (const track of stream.getTracks()) track.stop();
    }
  };

  const allow = () => {
    const able = consent.checked && !busy;
    file.disabled = !able;
    record.disabled = !able;
  };

  const run = async (work) => {
    busy = true;
    allow();
    try {
      await work();
    } catch (error) {
      const refused = error.name === "NotAllowedError" || error.name === "NotFoundError";
      say(refused ? "No microphone was allowed or found. Choose a recording instead." : error.message, true);
    }
    busy = false;
    file.value = "";
    allow();
  };

  if (card.dataset.waiting === "yes") outcome().catch(() => {});
  if (!consent) return;
  record.hidden = !(navigator.mediaDevices && window.MediaRecorder);
  consent.addEventListener("change", allow);
  record.addEventListener("click", () => run(async () => send(await listen())));
  file.addEventListener("change", () => { if (file.files.length) run(() => send(file.files[0])); });
  allow();
})();
