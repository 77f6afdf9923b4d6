// Driving: the hand or the leg in three dimensions, its joints, decisions, latency, what happened.
"use strict";
flexor.pictures.decisions = (place, view) => {
  const [context, w, h] = flexor.paper(place);
  if (!view.alive || !view.about.labels) return;
  const words = (place.flexorWords = place.flexorWords || JSON.parse(place.dataset.words));
  const labels = view.about.labels, lane = h / labels.length, list = view.decisions;
  context.font = "11px system-ui";
  labels.forEach((label, k) => {
    context.fillStyle = flexor.colour("--flexor-text");
    context.fillText(words[`gesture ${label}`] || label, 4, lane * (k + 0.5) + 4, 116);
  });
  list.forEach(([label, confidence, rejected], k) => {
    context.fillStyle = rejected ? flexor.colour("--flexor-warn") : flexor.colour("--flexor-ink");
    context.globalAlpha = 0.25 + 0.75 * confidence;
    const x = 124 + (w - 128) * k / 60;
    context.fillRect(x, lane * labels.indexOf(label) + 2, (w - 128) / 60 - 1, lane - 4);
  });
  context.globalAlpha = 1;
};

// The newest decisions in words, the newest first; why one was not trusted.
flexor.pictures.stream = (place, view) => {
  const words = (place.flexorWords = place.flexorWords || JSON.parse(place.dataset.words));
  if (!view.alive) return;
  const least = view.about.least_confidence || 0;
  const rows = view.decisions.slice(-10).reverse().map(([label, confidence, rejected]) => {
    const why = !rejected ? "" : confidence < least
      ? words.reject_unsure.replace("{least}", Math.round(100 * least)) : words.reject_unlike;
    return `<tr class="${rejected ? "flexor-rejected" : ""}"><td>${flexor.escape(words[`gesture ${label}`] || label)}</td>` +
      `<td><div class="flexor-bar"><i style="width:${100 * confidence}%"></i></div></td>` +
      `<td>${Math.round(100 * confidence)} %</td><td>${flexor.escape(why)}</td></tr>`;
  });
  flexor.put(place, `<table class="flexor-stream">${rows.join("")}</table>`);
};

// Counts under their edges; what is over the budget is red, and the budget a band.
flexor.bars = (place, told, text, budget) => {
  const [context, w, h] = flexor.paper(place);
  if (!told || told.p50 === undefined) return;
  const most = Math.max(1, ...told.counts), each = (w - 10) / told.counts.length, edges = told.edges_ms;
  context.font = "11px system-ui";
  if (budget) {
    const from = edges.indexOf(budget[0]) + 1, to = edges.indexOf(budget[1]) + 1;
    context.fillStyle = flexor.colour("--flexor-warn");
    context.globalAlpha = 0.25;
    context.fillRect(5 + each * from, 30, each * (to - from), h - 48);
    context.globalAlpha = 1;
    context.fillRect(4 + each * from, 30, 2, h - 48);
    context.fillRect(4 + each * to, 30, 2, h - 48);
  }
  told.counts.forEach((count, k) => {
    const late = budget && (k >= edges.length || edges[k] > budget[0]);
    const tall = (h - 48) * count / most;
    context.fillStyle = flexor.colour(late ? "--flexor-bad" : "--flexor-ink");
    context.fillRect(5 + each * k, h - 18 - tall, each - 2, tall);
    context.fillStyle = flexor.colour("--flexor-text");
    context.fillText(k < edges.length ? `≤${edges[k]}` : ">", 5 + each * k, h - 4);
  });
  context.fillStyle = flexor.colour("--flexor-text");
  text.forEach((line, k) => context.fillText(line, 5, 11 + 14 * k));
};

flexor.pictures.latency = (place, view) => {
  const words = (place.flexorWords = place.flexorWords || JSON.parse(place.dataset.words)), told = view.latency;
  if (!view.alive || !told || told.p50 === undefined) { flexor.paper(place); return; }
  const share = told.over.map((v, k) => `> ${told.budget_ms[k]} ms: ${(100 * v).toFixed(1)} %`).join("   ");
  flexor.bars(place, told, [`p50 ${told.p50}   p99 ${told.p99}   max ${told.max} ms`, `${words.budget}  ${share}`], told.budget_ms);
};

// Of the commands, as the page hears them; and of the loop's own turns, as the run tells it.
flexor.pictures.jitter = (place, view) => {
  const words = (place.flexorWords = place.flexorWords || JSON.parse(place.dataset.words)), told = view.jitter;
  if (!view.alive || !told || told.p50 === undefined) { flexor.paper(place); return; }
  const own = (view.status || {}).jitter_ms;
  const line = own ? `${words.jitter_loop}: p50 ${own.p50}   p99 ${own.p99}   max ${own.max} ms` : "";
  flexor.bars(place, told, [`p50 ${told.p50}   p99 ${told.p99}   max ${told.max} ms`, line], null);
};

// What the window itself adds, which no computer can make faster.
flexor.pictures.delay = (place, view) => {
  const told = view.latency, own = (view.about || {}).delay_ms;
  if (!view.alive || !own || !told || told.p99 === undefined) { flexor.put(place, ""); return; }
  flexor.put(place, flexor.escape(place.dataset.word.replace("{delay}", own.toFixed(0)).replace("{all}", (own + told.p99).toFixed(0))));
};

flexor.pictures.intent = (place, view) => {
  const i = view.intent, words = (place.flexorWords = place.flexorWords || JSON.parse(place.dataset.words));
  if (!view.alive || !i) { flexor.put(place, "–"); return; }
  const name = i.rejected ? words.unsure : words[`gesture ${i.gesture}`] || i.gesture;
  const least = 100 * (view.about.least_confidence || 0);
  const bar = (word, share, mark) => `<div class="flexor-measure"><span>${flexor.escape(word)}</span>` +
    `<div class="flexor-bar"><i style="width:${100 * share}%"></i>${mark ? `<u style="inset-inline-start:${mark}%"></u>` : ""}</div>` +
    `<span>${Math.round(100 * share)} %</span></div>`;
  flexor.put(place, `<b class="flexor-now">${flexor.escape(name)}</b>` +
    bar(words.confidence, i.confidence, least) + bar(words.strength, i.strength, 0));
};

flexor.pictures.joints = (place, view) => {
  if (!view.alive || !view.status.joints) return;
  const words = (place.flexorWords = place.flexorWords || JSON.parse(place.dataset.words));
  const about = Object.fromEntries((view.about.joints || []).map((j) => [j.name, j]));
  const asked = view.asked, units = {position: "°", velocity: "°/s", torque: "Nm"};
  flexor.put(place, view.status.joints.map(([name, at, speed], k) => {
    const j = about[name] || {low_deg: 0, high_deg: 100};
    const share = (deg) => Math.max(0, Math.min(100, 100 * (deg - j.low_deg) / (j.high_deg - j.low_deg)));
    const to = asked && asked.deg.length > k ? `<u style="inset-inline-start:${share(asked.deg[k])}%"></u>` : "";
    const told = asked && asked.joints.length > k ? `→ ${asked.joints[k].toFixed(asked.mode === "torque" ? 1 : 0)} ${units[asked.mode]}` : "";
    const torque = (view.status.torque_nm || [])[k];
    const nm = torque === undefined ? "" : `${torque.toFixed(1)} / ${(j.max_nm || 0).toFixed(0)} Nm`;
    return `<div class="flexor-joint"><span>${flexor.escape(words[`joint ${name}`] || name)}</span>` +
      `<div class="flexor-bar"><i style="width:${share(at)}%"></i>${to}</div>` +
      `<span>${at.toFixed(0)}°</span><span>${speed ? (speed > 0 ? "▲" : "▼") : ""}</span>` +
      `<small dir="ltr">${j.low_deg}° … ${j.high_deg}° ${told} ${nm}</small></div>`;
  }).join(""));
};

flexor.pictures.events = (place, view) => {
  const rows = view.events.slice(-8).reverse().map(([, text]) => `<li>${flexor.escape(text)}</li>`);
  flexor.put(place, `<ul class="flexor-events">${rows.join("")}</ul>`);
};

// Solid where the joints stand, pale where they were told to go.
flexor.pictures.hand = (place, view) => {
  if (!view.alive || !view.status.joints) return;
  const told = (place.flexorScene = place.flexorScene || JSON.parse(place.dataset.scene));
  const scene = window.getElement ? getElement(told.scene) : null;
  if (!scene) return;
  const turn = Math.PI / 180, names = view.status.joints.map(([name]) => name);
  const at = Object.fromEntries(view.status.joints.map(([name, deg]) => [name, deg * turn]));
  const to = {...at};
  if (view.asked) view.asked.deg.forEach((deg, k) => { to[names[k]] = deg * turn; });
  flexor.poses[told.kind](scene, told.parts, at);
  flexor.poses[told.kind](scene, told.ghost, to);
};
flexor.poses = {
  // Each joint of the hand bends all parts of its finger alike.
  hand(scene, fingers, at) {
    for (const [finger, parts] of Object.entries(fingers)) {
      const bend = at[finger] ?? at.fingers ?? 0;
      if (finger === "thumb") scene.rotate(parts[0], flexor.euler(0, (at.thumb_rotation ?? 0) * 0.8, 0.96));
      for (const part of parts.slice(1)) scene.rotate(part, flexor.euler(bend * 0.85, 0, 0));
    }
  },
  // Hip and ankle bend forward, the knee back, about the axis across the body.
  leg(scene, joints, at) {
    for (const [joint, part] of Object.entries(joints)) {
      scene.rotate(part, flexor.euler(0, (joint === "knee" ? 1 : -1) * (at[joint] ?? 0), 0));
    }
  },
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
