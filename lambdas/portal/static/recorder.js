// Records a session in parts that go up while it lasts. Sound is in this page's memory and nowhere
// else: no storage of the browser is used, so nothing of it outlives the page.
"use strict";

(() => {
  const card = document.getElementById("recorder");
  const at = (name) => document.getElementById("record-" + name);
  const session = card.dataset.session;
  const number = (name) => Number(card.dataset[name]);
  const earliest = number("earliest"), latest = number("latest"), overlap = number("overlap");
  const home = "/api/sessions/" + encodeURIComponent(session);
  const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
  const STATES = {
    ready: "Ready", recording: "Recording", paused: "Paused", ending: "Sending the last parts",
    discarding: "Erasing", gone: "Stopped and erased", over: "Complete",
  };
  // These say that the recording must not exist any more; others that this part is not taken.
  const ERASED = ["ConsentMissing", "ConsentExpired", "ConsentRevoked", "SessionStopped"];
  const NOT_TAKEN = ["RecordingEnded", "IllegalMove", "BadRequest", "ParticipantsUnconsented", "AccessDenied"];

  let phase = "ready";
  let stream = null, context = null, listener = null, lock = null;
  let current = null;                 // the part that is being recorded
  let recorded = number("offset");    // seconds before `resumed`
  let resumed = null;                 // since when sound is being recorded, on the page's own clock
  let next = number("next");
  let people = Number(at("people").textContent), consented = number("consented");
  let made = 0, sent = 0, lost = 0, counting = 0;
  let waiting = [];                   // parts that have to go up, oldest first
  let pumping = false, online = () => {}, pausedAt = 0;
  let loudness = [], quietSince = null;

  // What the person sees ---------------------------------------------------------------------

  const elapsed = () => recorded + (resumed === null ? 0 : (performance.now() - resumed) / 1000);
  const clock = (seconds) =>
    Math.floor(seconds / 60) + ":" + String(Math.floor(seconds % 60)).padStart(2, "0");
  const text = (element, words) => { if (element.textContent !== words) element.textContent = words; };
  const notice = (words, link) => {
    const place = at("notice");
    place.classList.toggle("refusal", Boolean(words));
    text(place, words || "");
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = "/auth/sign-in";
      anchor.target = "_blank";
      anchor.textContent = link;
      place.append(" ", anchor);
    }
  };
  const covered = () => people <= consented;

  const show = () => {
    card.dataset.phase = phase;
    text(at("state"), phase === "ready" && card.dataset.agreed !== "yes"
      ? "The patient has not agreed: nothing can be recorded" : STATES[phase]);
    text(at("people"), String(people));
    text(at("consented"), String(consented));
    const going = phase === "recording", open = ["ready", "recording", "paused"].includes(phase);
    at("start").hidden = !["ready", "paused"].includes(phase);
    text(at("start"), phase === "paused" || next ? "Go on recording" : "Start recording");
    at("start").disabled = card.dataset.agreed !== "yes" || !covered();
    at("pause").hidden = !going;
    at("finish").hidden = phase === "ready" && !next;
    at("finish").disabled = !open;
    at("discard").disabled = !open;
    at("came").disabled = at("left").disabled = !open;
    at("left").disabled = !open || people < 2;
    const parts = made === 1 ? "part" : "parts";
    const words = !made ? "Nothing yet."
      : sent + " of " + made + " " + parts + " sent" + (lost ? ", " + lost + " not taken" : "")
        + (waiting.length && !navigator.onLine ? ". No connection: they wait here and go up by themselves." : ".");
    text(at("sent"), words);
  };

  // Talking to the portal --------------------------------------------------------------------

  const ask = async (method, path, body) => {
    const answer = await fetch(path, {
      method,
      headers: { "content-type": "application/json", "x-csrf-token": card.dataset.csrf },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(30000),
    });
    const known = await answer.json();
    if (answer.ok) return known;
    const refusal = new Error(known.error.message + ". " + known.error.hint);
    refusal.code = known.error.code;
    refusal.status = answer.status;
    throw refusal;
  };

  // "sent", "later", "lost", or "erased" when nothing of this session may stay.
  const send = async (part) => {
    let ticket;
    try {
      ticket = await ask("POST", home + "/upload", {
        segment: part.index, content_type: part.type, starts_at: part.startsAt, seconds: part.seconds });
    } catch (error) {
      if (error.code === "UploadRepeated") return part.tried ? "sent" : "lost";
      if (ERASED.includes(error.code)) { gone(error.message); return "erased"; }
      if (error.code === "NotSignedIn") {
        notice("Your sign-in has run out. The recording goes on.", "Sign in in a new tab, then it is sent.");
        return "later";
      }
      if (NOT_TAKEN.includes(error.code)) { notice(error.message); return "lost"; }
      return "later";
    }
    part.tried = true;
    try {
      const answer = await fetch(ticket.url, {
        method: "PUT", headers: ticket.headers, body: part.bytes, signal: AbortSignal.timeout(120000) });
      // 412: it is there, and the answer to an earlier try was lost on the way.
      return answer.ok || answer.status === 412 ? "sent" : "later";
    } catch {
      return "later";
    }
  };

  const pump = async () => {
    if (pumping) return;
    pumping = true;
    let pause = 1;
    while (waiting.length) {
      const part = waiting[0];
      const outcome = await send(part);
      if (outcome === "erased" || phase === "gone" || phase === "discarding") break;
      if (outcome === "later") {
        show();
        await Promise.race([wait(pause), new Promise((done) => { online = done; })]);
        pause = Math.min(2 * pause, 15);
        continue;
      }
      part.bytes = null;
      waiting.shift();
      pause = 1;
      if (outcome === "sent") sent += 1; else lost += 1;
      if (outcome === "sent" && covered() && !lost && phase !== "paused") notice("");
      show();
    }
    pumping = false;
    if (phase === "ending" && !waiting.length && !current) await finish();
  };

  const finish = async () => {
    for (let pause = 1; phase === "ending"; pause = Math.min(2 * pause, 15)) {
      try {
        await ask("POST", home + "/recording/end", { segments: next });
        phase = "over";
        location.assign("/sessions/" + encodeURIComponent(session));
      } catch (error) {
        if (ERASED.includes(error.code)) { gone(error.message); return; }
        if (NOT_TAKEN.includes(error.code)) {
          phase = "over";
          location.assign("/sessions/" + encodeURIComponent(session));
          return;
        }
        if (error.code === "NotSignedIn")
          notice("Your sign-in has run out.", "Sign in in a new tab, then it is finished here.");
        await Promise.race([wait(pause), new Promise((done) => { online = done; })]);
      }
    }
  };

  // Recording --------------------------------------------------------------------------------

  const type = () => ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"].find(
    (one) => MediaRecorder.isTypeSupported(one)) || "";

  const open = () => {
    const part = { startsAt: elapsed(), pieces: [], keep: true };
    const recorder = new MediaRecorder(stream, { mimeType: type(), audioBitsPerSecond: 48000 });
    part.recorder = recorder;
    recorder.addEventListener("dataavailable", (event) => { if (event.data.size) part.pieces.push(event.data); });
    part.closed = new Promise((done) => recorder.addEventListener("stop", done, { once: true }));
    recorder.start();
    current = part;
    return part;
  };

  const close = async (part) => {
    const until = elapsed();
    if (part.recorder.state !== "inactive") part.recorder.stop();
    await part.closed;
    if (current === part) current = null;
    const blob = new Blob(part.pieces, { type: part.recorder.mimeType });
    part.pieces = null;
    if (!part.keep || !blob.size || phase === "gone" || phase === "discarding") return;
    const bytes = await blob.arrayBuffer();
    // Asked again: while the bytes were read, everything may have been told to go.
    if (phase === "gone" || phase === "discarding") return;
    waiting.push({
      index: next, bytes, type: blob.type.split(";")[0] || "audio/webm",
      startsAt: part.startsAt, seconds: Math.max(0, until - part.startsAt), tried: false,
    });
    next += 1;
    made += 1;
    show();
    pump();
  };

  // The next part begins before this one ends: a word at the seam is whole in one of them.
  const cut = async () => {
    const before = current;
    const following = open();
    await wait(2 * overlap);
    await close(before);
    if (phase !== "recording" && current === following) await close(following);
  };
  let cutting = null;

  const hold = async (words) => {
    if (phase !== "recording") return;
    recorded = elapsed();
    resumed = null;
    phase = "paused";
    pausedAt = Date.now();
    for (const track of stream.getTracks()) track.enabled = false;
    if (words) notice(words);
    show();
    if (cutting) await cutting;
    if (current) await close(current);
  };

  const start = async () => {
    notice("");
    at("start").disabled = true;
    try {
      if (!stream || stream.getAudioTracks()[0].readyState === "ended") await listen();
    } catch (error) {
      const refused = error.name === "NotAllowedError" || error.name === "NotFoundError";
      notice(refused ? "No microphone was allowed or found. Allow it for this page, then start again." : error.message);
      show();
      return;
    }
    await context.resume();
    if (phase !== "ready" && phase !== "paused") return;
    for (const track of stream.getTracks()) track.enabled = true;
    resumed = performance.now();
    quietSince = null;
    loudness = [];
    phase = "recording";
    open();
    awake();
    show();
  };

  const listen = async () => {
    stream = await navigator.mediaDevices.getUserMedia({ audio: {
      channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true } });
    stream.getAudioTracks()[0].addEventListener("ended", () => {
      hold("The microphone was taken away. Connect it, then go on recording.");
    });
    context = context || new AudioContext();
    listener = context.createAnalyser();
    listener.fftSize = 2048;
    context.createMediaStreamSource(stream).connect(listener);
  };

  const awake = async () => {
    try {
      if (navigator.wakeLock && phase === "recording" && !document.hidden)
        lock = await navigator.wakeLock.request("screen");
    } catch {
      lock = null;   // A battery that is low may refuse it; the recording goes on.
    }
  };

  const release = () => {
    if (stream) for (const track of stream.getTracks()) track.stop();
    if (context) context.close();
    if (lock) lock.release();
    stream = context = listener = lock = null;
  };

  // Everything that this page holds of the recording goes, at once.
  const drop = (words) => {
    if (current) {
      current.keep = false;
      if (current.recorder.state !== "inactive") current.recorder.stop();
      current.pieces = [];
    }
    for (const part of waiting) part.bytes = null;
    waiting = [];
    current = null;
    recorded = elapsed();
    resumed = null;
    release();
    notice(words);
    online();
    show();
  };
  const gone = (words) => {
    if (phase === "gone") return;
    phase = "gone";
    drop("The recording was stopped and erased. " + words);
  };

  const discard = async () => {
    phase = "discarding";
    drop("");
    for (let pause = 1; phase === "discarding"; pause = Math.min(2 * pause, 15)) {
      try {
        await ask("POST", home + "/discard", {});
        gone("You discarded it.");
      } catch (error) {
        if (error.status && error.status < 500 && error.code !== "NotSignedIn") { gone(error.message); return; }
        notice("What was already sent is not erased yet: this page goes on trying.",
          error.code === "NotSignedIn" ? "Sign in in a new tab" : "");
        await Promise.race([wait(pause), new Promise((done) => { online = done; })]);
      }
    }
  };

  const withdraw = async () => {
    phase = "discarding";
    drop("");
    const patient = "/api/patients/" + encodeURIComponent(card.dataset.patient) + "/consents/";
    for (const purpose of card.dataset.purposes.split(" ")) {
      for (let pause = 1; ; pause = Math.min(2 * pause, 15)) {
        try {
          await ask("DELETE", patient + purpose);
          break;
        } catch (error) {
          if (error.status && error.status < 500 && error.code !== "NotSignedIn") { gone(error.message); return; }
          notice("The withdrawal is not stored yet: this page goes on trying.",
            error.code === "NotSignedIn" ? "Sign in in a new tab" : "");
          await Promise.race([wait(pause), new Promise((done) => { online = done; })]);
        }
      }
    }
    await discard();
  };

  // Who is in the room -------------------------------------------------------------------------

  const count = async (change) => {
    people = Math.max(1, people + change);
    const asked = counting += 1;
    const second = elapsed();
    const tooMany = () => people + " people are in the room and " + consented
      + " may be recorded: the recording is paused.";
    if (!covered()) { if (phase === "recording") hold(tooMany()); else notice(tooMany()); }
    else notice(phase === "paused" ? "Everybody in the room has agreed: you can go on." : "");
    show();
    for (let pause = 1; asked === counting && phase !== "gone"; pause = Math.min(2 * pause, 15)) {
      try {
        const known = await ask("POST", home + "/participants", { people, at: second });
        consented = known.consented;
        if (!known.covered) hold(tooMany());
        show();
        return;
      } catch (error) {
        if (ERASED.includes(error.code)) { gone(error.message); return; }
        if (error.status && error.status < 500) { notice(error.message); return; }
        await wait(pause);
      }
    }
  };

  // Listening ----------------------------------------------------------------------------------

  const samples = new Float32Array(2048);
  const decibels = () => {
    if (!listener) return -100;
    listener.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const one of samples) sum += one * one;
    return Math.max(-100, 10 * Math.log10(sum / samples.length + 1e-10));
  };

  const tick = () => {
    text(at("clock"), clock(elapsed()));
    if (phase === "paused" && Date.now() - pausedAt > (number("quiet") - 5) * 60000)
      notice("A pause of " + number("quiet") + " minutes ends the recording. Go on, or finish.");
    if (phase !== "recording") { at("level").value = 0; return; }
    const level = decibels();
    at("level").value = Math.round(100 * Math.max(0, (level + 60) / 60));
    loudness.push(level);
    if (loudness.length > 500) loudness.shift();
    if (loudness.length >= 200 && !loudness.slice(-200).some((one) => one > -50))
      notice("The microphone hears almost nothing. Is it the right one, and near enough?");
    else if (at("notice").textContent.startsWith("The microphone hears")) notice("");
    if (elapsed() > 60 * number("longest") - 1) { end(); return; }
    if (cutting || !current) return;
    const length = elapsed() - current.startsAt;
    const floor = Math.min(...loudness);
    quietSince = level <= floor + 8 ? (quietSince === null ? performance.now() : quietSince) : null;
    const breath = quietSince !== null && performance.now() - quietSince > 300;
    if (length >= latest - 2 * overlap || (length >= earliest && breath))
      cutting = cut().finally(() => { cutting = null; });
  };

  const look = async () => {
    if (["gone", "over", "discarding"].includes(phase)) return;
    try {
      const known = await ask("GET", home);
      if (known.recording.stopped) {
        gone(known.recording.stopped === "ConsentRevoked" ? "The patient withdrew the agreement." : "");
        return;
      }
      const doubts = known.segments.filter((one) => one.failure && one.failure !== "NoSpeech");
      const list = at("doubts");
      list.replaceChildren(...doubts.map((one) => {
        const line = document.createElement("li");
        line.className = "missing";
        line.textContent = "Part " + (one.segment + 1) + " could not be used (" + one.failure + "): write it by hand.";
        return line;
      }));
    } catch {
      return;   // No connection, or signed out: the queue says so.
    }
  };

  const end = async () => {
    if (!["ready", "recording", "paused"].includes(phase)) return;
    await hold("");
    phase = "ending";
    release();
    notice("");
    show();
    if (!waiting.length && !pumping) await finish(); else pump();
  };

  // Acts -----------------------------------------------------------------------------------------

  let sure = discard;
  const confirm = (act, why) => {
    sure = act;
    text(document.getElementById("record-sure-why"), why);
    document.getElementById("record-sure").showModal();
  };
  at("start").addEventListener("click", start);
  at("pause").addEventListener("click", () => hold(""));
  at("finish").addEventListener("click", end);
  at("discard").addEventListener("click", () => confirm(discard, "All of it is erased, what was sent too. This cannot be undone."));
  if (at("revoke")) at("revoke").addEventListener("click", () =>
    confirm(withdraw, "The agreement ends, and all of this recording is erased. This cannot be undone."));
  at("came").addEventListener("click", () => count(1));
  at("left").addEventListener("click", () => count(-1));
  at("sure-yes").addEventListener("click", () => { document.getElementById("record-sure").close(); sure(); });
  at("sure-no").addEventListener("click", () => document.getElementById("record-sure").close());
  window.addEventListener("online", () => { online(); show(); });
  window.addEventListener("offline", show);
  document.addEventListener("visibilitychange", awake);
  window.addEventListener("beforeunload", (event) => {
    if (phase === "recording" || phase === "paused" || waiting.length) event.preventDefault();
  });

  if (!navigator.mediaDevices || !window.MediaRecorder) {
    notice("This browser cannot record. Use a current Chrome, Edge, Firefox or Safari.");
    return;
  }
  const run = () => {
    setInterval(tick, 50);
    setInterval(look, 4000);
    show();
  };
  // Two windows must not both record one session.
  if (!navigator.locks) run();
  else navigator.locks.request("recording-" + session, { ifAvailable: true }, (held) => {
    if (!held) {
      notice("This session is open in another window of this browser. Record there.");
      return null;
    }
    run();
    return new Promise(() => {});
  });
})();
