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
      const refused = !await flexor.act(key);
      if (timer === null) return;
      const waits = key === "arm" && !refused && flexor.view && flexor.view.alive
        && flexor.view.status.state === "disarmed";
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

  ring(place, view) {
    const [context, w, h] = flexor.paper(place);
    if (!view.alive) return;
    const n = view.channels.length, r = Math.min(w, h) * 0.38, scale = flexor.scale(view) / 4;
    view.channels.forEach((name, c) => {
      const angle = 2 * Math.PI * c / n - Math.PI / 2;
      const [x, y] = [w / 2 + r * Math.cos(angle), h / 2 + r * Math.sin(angle)];
      const level = Math.min(1, (view.levels[c] || 0) / scale);
      const found = flexor.finding(view, name);
      context.beginPath();
      context.arc(x, y, Math.max(7, Math.min(22, 90 / n)) * (0.6 + 0.4 * level), 0, 2 * Math.PI);
      context.fillStyle = found ? flexor.colour(found.fault ? "--flexor-bad" : "--flexor-warn")
        : `hsl(${210 - 170 * level} 80% 50%)`;
      context.fill();
      context.fillStyle = flexor.colour("--flexor-text");
      context.font = "11px system-ui";
      context.textAlign = "center";
      context.fillText(name.replace(/^.*?(\d+)$/, "$1"), x, y + 4);
    });
  },

  spectrum(place, view) {
    const [context, w, h] = flexor.paper(place);
    const {hz, db} = view.spectrum || {hz: [], db: []};
    if (!hz || !hz.length) return;
    const [top, low] = [Math.max(...db) + 3, Math.max(...db) - 60];
    context.strokeStyle = flexor.colour("--flexor-ink");
    context.beginPath();
    hz.forEach((f, k) => {
      const x = 30 + (w - 36) * f / hz[hz.length - 1];
      const y = 6 + (h - 24) * (top - Math.max(low, db[k])) / (top - low);
      if (k) context.lineTo(x, y); else context.moveTo(x, y);
    });
    context.stroke();
    context.fillStyle = flexor.colour("--flexor-text");
    context.font = "11px system-ui";
    for (let k = 0; k <= 4; k += 1) {
      context.fillText(`${Math.round(hz[hz.length - 1] * k / 4)} Hz`, 24 + (w - 60) * k / 4, h - 4);
    }
  },

  lights(place, view) {
    const rows = (view.channels || []).map((name) => {
      const found = flexor.finding(view, name);
      const kind = !found ? "good" : found.fault ? "bad" : "warn";
      const text = found ? `${found.said}: ${found.mend}` : place.dataset.good;
      return `<li class="flexor-${kind}"><b></b> ${flexor.escape(name)} <span>${flexor.escape(text)}</span></li>`;
    });
    flexor.put(place, `<ul class="flexor-lights">${rows.join("")}</ul>`);
  },

  loss(place, view) {
    if (view.alive) flexor.put(place, `${view.lost} ${flexor.escape(place.dataset.word)}`);
  },

  decisions(place, view) {
    const [context, w, h] = flexor.paper(place);
    if (!view.alive || !view.about.labels) return;
    const labels = view.about.labels, lane = h / labels.length, list = view.decisions;
    context.font = "11px system-ui";
    labels.forEach((label, k) => {
      context.fillStyle = flexor.colour("--flexor-text");
      context.fillText(label, 4, lane * (k + 0.5) + 4);
    });
    list.forEach(([label, confidence, rejected], k) => {
      context.fillStyle = rejected ? flexor.colour("--flexor-warn") : flexor.colour("--flexor-ink");
      context.globalAlpha = 0.25 + 0.75 * confidence;
      const x = 110 + (w - 114) * k / 60;
      context.fillRect(x, lane * labels.indexOf(label) + 2, (w - 114) / 60 - 1, lane - 4);
    });
    context.globalAlpha = 1;
  },

  latency(place, view) {
    const [context, w, h] = flexor.paper(place);
    const told = view.latency;
    if (!view.alive || !told || !told.p50) return;
    const most = Math.max(1, ...told.counts), each = (w - 10) / told.counts.length;
    context.font = "11px system-ui";
    told.counts.forEach((count, k) => {
      const late = k >= told.edges_ms.length - 1;
      context.fillStyle = flexor.colour(late ? "--flexor-bad" : "--flexor-ink");
      context.fillRect(5 + each * k, (h - 34) * (1 - count / most) + 16, each - 2, (h - 34) * count / most);
      context.fillStyle = flexor.colour("--flexor-text");
      context.fillText(k < told.edges_ms.length ? `≤${told.edges_ms[k]}` : ">", 5 + each * k, h - 4);
    });
    context.fillText(`p50 ${told.p50} ms   p99 ${told.p99} ms   max ${told.max} ms`, 5, 11);
  },

  intent(place, view) {
    const i = view.intent;
    if (!view.alive || !i) { flexor.put(place, "–"); return; }
    const name = i.rejected ? place.dataset.unsure : i.gesture;
    flexor.put(place, `<b>${flexor.escape(name)}</b> ${Math.round(100 * i.confidence)} % ${flexor.escape(place.dataset.sure)}` +
      `<div class="flexor-bar"><i style="width:${100 * i.strength}%"></i></div>`);
  },

  state(place, view) {
    const state = view.alive ? (view.status.state || "") : "";
    const names = JSON.parse(place.dataset.names);
    place.className = `flexor-state flexor-state-${state.replace(" ", "-")}`;
    flexor.put(place, flexor.escape(names[state] || state || "–"));
  },

  cause(place, view) { flexor.put(place, flexor.escape(view.alive ? view.status.cause || "" : "")); },

  joints(place, view) {
    if (!view.alive || !view.status.joints) return;
    const about = Object.fromEntries((view.about.joints || []).map((j) => [j.name, j]));
    flexor.put(place, view.status.joints.map(([name, at, speed]) => {
      const j = about[name] || {low_deg: 0, high_deg: 100};
      return `<div class="flexor-joint"><span>${flexor.escape(name)}</span>` +
        `<div class="flexor-bar"><i style="width:${Math.max(0, Math.min(100, 100 * (at - j.low_deg) / (j.high_deg - j.low_deg)))}%"></i></div>` +
        `<span>${at.toFixed(0)}°</span><span>${speed ? (speed > 0 ? "▲" : "▼") : ""}</span></div>`;
    }).join(""));
  },

  events(place, view) {
    const rows = view.events.slice(-8).reverse().map(([, text]) => `<li>${flexor.escape(text)}</li>`);
    flexor.put(place, `<ul class="flexor-events">${rows.join("")}</ul>`);
  },
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

// The hand in three dimensions: each joint of the hand bends all parts of its finger alike.
flexor.pictures.hand = (place, view) => {
  const told = window.flexorHand;
  if (!told || !view.alive || !view.status.joints) return;
  const scene = window.getElement ? getElement(told.scene) : null;
  if (!scene) return;
  const at = Object.fromEntries(view.status.joints.map(([name, deg]) => [name, deg * Math.PI / 180]));
  for (const [finger, parts] of Object.entries(told.parts)) {
    const bend = at[finger] ?? at.fingers ?? 0;
    const swing = finger === "thumb" ? (at.thumb_rotation ?? 0) : 0;
    if (finger === "thumb") scene.rotate(parts[0], flexor.euler(0, swing * 0.8, 0.96));
    for (const part of parts.slice(1)) scene.rotate(part, flexor.euler(bend * 0.85, 0, 0));
  }
};
// A rotation matrix of x, then y, then z, as the scene takes it.
flexor.euler = (x, y, z) => {
  const [cx, sx, cy, sy, cz, sz] = [Math.cos(x), Math.sin(x), Math.cos(y), Math.sin(y), Math.cos(z), Math.sin(z)];
  return [
    [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
    [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
    [-sy, cy * sx, cy * cx],
  ];
};
