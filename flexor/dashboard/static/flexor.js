// Draws what the device tells, and asks for what the person presses. It asks for the next picture
// when it has drawn the last one: a slow browser costs the device nothing.
"use strict";
const flexor = {
  n: 0, stream: 0, view: null, history: new Map(), draws: [], failed: 0,

  async act(key) {
    const answer = await fetch("/act", {
      method: "POST",
      headers: {"content-type": "application/json"},
      body: JSON.stringify({key, n: Date.now()}),
    }).catch(() => null);
    const told = answer ? await answer.json().catch(() => ({})) : {text: "The device does not answer."};
    if (!answer || !answer.ok) flexor.say(told.text || "That was refused.");
    return Boolean(answer && answer.ok);
  },

  say(text) {
    const place = document.getElementById("flexor-say");
    if (place) place.textContent = text;
    clearTimeout(flexor.saying);
    flexor.saying = setTimeout(() => { if (place) place.textContent = ""; }, 6000);
  },

  // A button that acts when it was pressed for a second without a break: by finger, mouse or key.
  // Arming needs a second of rest too: while the button is held, it is asked again until it is so.
  hold(button, key) {
    let timer = null;
    const stop = () => { clearTimeout(timer); timer = null; button.classList.remove("flexor-holding"); };
    const ask = async () => {
      const state = () => (flexor.view && flexor.view.alive ? flexor.view.status.state : "");
      const refused = state() !== "arming" && !await flexor.act(key);
      if (timer === null) return;
      // A hand that did not confirm in time is asked again too.
      const waits = key === "arm" && !refused && ["disarmed", "arming"].includes(state());
      if (waits) timer = setTimeout(ask, 250); else button.classList.remove("flexor-holding");
    };
    const begin = () => {
      if (timer !== null) return;
      button.classList.add("flexor-holding");
      timer = setTimeout(ask, 1000);
    };
    button.addEventListener("pointerdown", begin);
    for (const end of ["pointerup", "pointerleave", "pointercancel", "blur", "keyup"]) {
      button.addEventListener(end, stop);
    }
    button.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); begin(); }
    });
    button.addEventListener("contextmenu", (event) => event.preventDefault());
  },

  wire() {
    for (const button of document.querySelectorAll("[data-flexor-hold]:not([data-wired])")) {
      button.dataset.wired = "1";
      flexor.hold(button, button.dataset.flexorHold);
    }
    for (const button of document.querySelectorAll("[data-flexor-act]:not([data-wired])")) {
      button.dataset.wired = "1";
      // The stop acts when the finger comes down, not when it leaves.
      button.addEventListener("pointerdown", () => flexor.act(button.dataset.flexorAct));
      button.addEventListener("keydown", (event) => {
        if (event.key === "Enter") flexor.act(button.dataset.flexorAct);
      });
    }
  },

  async turn() {
    flexor.wire();
    const want = document.querySelector("[data-flexor-draw=spectrum]") ? "&spectrum=1" : "";
    const answer = await fetch(`/live?since=${flexor.n}${want}`).catch(() => null);
    if (answer && answer.status === 401) { location.href = "/pair"; return; }
    if (answer && answer.ok) {
      flexor.failed = 0;
      flexor.view = await answer.json();
      flexor.take(flexor.view);
    } else {
      flexor.failed += 1;
    }
    document.body.classList.toggle("flexor-away", flexor.failed > 3);
    if (flexor.view) for (const place of document.querySelectorAll("[data-flexor-draw]")) {
      const draw = flexor.pictures[place.dataset.flexorDraw];
      if (draw) draw(place, flexor.view);
    }
    setTimeout(() => requestAnimationFrame(flexor.turn), flexor.failed ? 500 : 80);
  },

  take(view) {
    if (view.stream !== flexor.stream) {  // a replay, another one, or another place in it
      flexor.stream = view.stream;
      flexor.n = 0;
      flexor.history.clear();
      return;
    }
    if (!view.alive) { flexor.n = 0; flexor.history.clear(); return; }
    if (view.n < flexor.n) flexor.history.clear();
    flexor.n = view.n;
    const {low, high, first, each} = view.trace;
    low.forEach((row, k) => flexor.history.set(Math.round(first / each) + k, [row, high[k]]));
    const oldest = Math.floor(view.n / each) - 500;
    for (const key of flexor.history.keys()) { if (key < oldest) flexor.history.delete(key); else break; }
  },

  colour(name) { return getComputedStyle(document.body).getPropertyValue(name).trim() || "#888"; },

  // A canvas as sharp as the screen: [context, width, height] in CSS pixels.
  paper(place) {
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [place.clientWidth, place.clientHeight];
    if (place.width !== Math.round(w * ratio)) place.width = Math.round(w * ratio);
    if (place.height !== Math.round(h * ratio)) place.height = Math.round(h * ratio);
    const context = place.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, w, h);
    context.direction = "ltr";  // figures are drawn from left to right in every language
    context.textAlign = "left";
    return [context, w, h];
  },

  finding(view, channel) {
    return ((view.status || {}).findings || []).find((f) => f.channel === channel);
  },
};

flexor.pictures = {
  scope(place, view) {
    const [context, w, h] = flexor.paper(place);
    if (!view.alive) return;
    const channels = view.channels, each = view.trace.each;
    const last = Math.floor(view.n / each), columns = 400, lane = h / channels.length;
    const scale = flexor.scale(view);
    channels.forEach((name, c) => {
      const found = flexor.finding(view, name);
      context.strokeStyle = flexor.colour(found ? (found.fault ? "--flexor-bad" : "--flexor-warn") : "--flexor-ink");
      context.fillStyle = context.strokeStyle;
      const middle = lane * (c + 0.5);
      context.beginPath();
      for (let k = 0; k < columns; k += 1) {
        const held = flexor.history.get(last - columns + k);
        if (!held || held[0][c] === null) continue;
        const x = 34 + (w - 38) * k / columns;
        context.moveTo(x, middle - lane * held[0][c] / scale);
        context.lineTo(x, middle - lane * held[1][c] / scale - 0.6);
      }
      context.stroke();
      context.font = "11px system-ui";
      context.fillText(name, 2, middle + 4);
    });
  },

  state(place, view) {
    const state = view.alive ? (view.status.state || "") : "";
    const names = JSON.parse(place.dataset.names);
    place.className = `flexor-state flexor-state-${state.replace(" ", "-")}`;
    flexor.put(place, flexor.escape(names[state] || state || "–"));
  },

  cause(place, view) { flexor.put(place, flexor.escape(view.alive ? view.status.cause || "" : "")); },
};

flexor.escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
flexor.put = (place, html) => { if (place.dataset.put !== html) { place.dataset.put = html; place.innerHTML = html; } };
// The loudest channel fills two thirds of its lane; the scale follows slowly.
flexor.scale = (view) => {
  const now = Math.max(1e-9, ...view.levels.map((v) => v || 0)) * 6;
  flexor.scaled = Math.max(now, (flexor.scaled || now) * 0.995, (view.full_scale || 0) / 40);
  return flexor.scaled;
};

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
  if (event.key === "Escape" || (event.key === " " && !typing)) {
    event.preventDefault();
    if (!event.repeat) flexor.act("estop");
  }
});
window.addEventListener("load", () => requestAnimationFrame(flexor.turn));
