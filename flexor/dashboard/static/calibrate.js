// The calibration: a hand that shows what is asked for, the target, tones, shapes of the gestures.
"use strict";
const calibration = {
  // What a hand does: curl of thumb, index, middle, ring, little (0 straight .. 1 closed), spread of
  // the fingers, and the wrist's angle, seen from the palm ("front") or from the thumb ("side").
  poses: {
    rest: {curl: [0.3, 0.3, 0.35, 0.35, 0.35], spread: 0.2, turn: 0, bend: 0},
    hand_close: {curl: [1, 1, 1, 1, 1], spread: 0, turn: 0, bend: 0},
    hand_open: {curl: [0, 0, 0, 0, 0], spread: 1, turn: 0, bend: 0},
    radial_deviation: {curl: [0.2, 0.2, 0.2, 0.2, 0.2], spread: 0.1, turn: -0.45, bend: 0},
    ulnar_deviation: {curl: [0.2, 0.2, 0.2, 0.2, 0.2], spread: 0.1, turn: 0.55, bend: 0},
    wrist_flexion: {curl: [0.3, 0.35, 0.35, 0.35, 0.35], spread: 0.1, turn: 0, bend: 1},
    wrist_extension: {curl: [0.2, 0.2, 0.2, 0.2, 0.2], spread: 0.1, turn: 0, bend: -1},
  },
  shown: null, phase: "", said: 0, tick: 0, audio: null,

  between(from, to, share) {
    const mix = (a, b) => a + (b - a) * share;
    return {
      curl: from.curl.map((c, k) => mix(c, to.curl[k])),
      spread: mix(from.spread, to.spread), turn: mix(from.turn, to.turn), bend: mix(from.bend, to.bend),
    };
  },

  // What the hand shows now: the gesture as far as it is asked for; before it, a slow rehearsal.
  pose(cal) {
    const rest = calibration.poses.rest, to = calibration.poses[cal.gesture];
    if (!to || !cal.phase || cal.phase === "done" || cal.phase === "paused") return [rest, 1];
    if (cal.phase === "hold") return [calibration.between(rest, to, 0.15 + 0.85 * cal.target), 1];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const wave = still ? 1 : 0.5 - 0.5 * Math.cos(performance.now() / 320);
    return [calibration.between(rest, to, wave), 0.4];
  },

  limb(context, x, y, angle, length, width) {
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x, y);
    const end = [x + length * Math.sin(angle), y - length * Math.cos(angle)];
    context.lineTo(...end);
    context.stroke();
    return end;
  },

  // Seen from the palm: forearm below, fingers above. Unit: a quarter of the picture's height.
  front(context, pose, u) {
    const limb = (...a) => calibration.limb(context, ...a);
    limb(0, 2 * u, 0, 1.15 * u, 0.62 * u);
    context.save();
    context.translate(0, 0.8 * u);
    context.rotate(pose.turn);
    limb(0, 0.05 * u, 0, 0.62 * u, 0.86 * u);
    [[-0.36, 0.72], [-0.12, 0.84], [0.12, 0.78], [0.34, 0.62]].forEach(([at, length], k) => {
      const curl = pose.curl[k + 1], fan = (at + 0.01) * (0.25 + 0.75 * pose.spread);
      const [x, y] = limb(at * u, -0.75 * u, fan, length * (1 - 0.45 * curl) * 0.5 * u, 0.2 * u);
      limb(x, y, fan, length * (1 - 1.35 * curl) * 0.5 * u, 0.19 * u);
    });
    const [curl, open] = [pose.curl[0], pose.spread];
    const [x, y] = limb(-0.36 * u, -0.1 * u, -0.75 - 0.45 * open + 0.35 * curl, 0.42 * u, 0.24 * u);
    limb(x, y, -0.5 - 0.4 * open + 1.9 * curl, 0.36 * u, 0.21 * u);
    context.restore();
  },

  // Seen from the thumb: the forearm comes from the left, the palm looks down.
  side(context, pose, u) {
    const limb = (...a) => calibration.limb(context, ...a), level = Math.PI / 2;
    const [x, y] = limb(-2.1 * u, 0.4 * u, level, 1.9 * u, 0.6 * u);
    const angle = level + pose.bend * 0.95;
    const [px, py] = limb(x, y, angle, 0.75 * u, 0.5 * u);
    const [fx, fy] = limb(px, py, angle + pose.curl[1], 0.42 * u, 0.26 * u);
    limb(fx, fy, angle + 2 * pose.curl[1], 0.38 * u, 0.22 * u);
    limb(x + 0.3 * u * Math.sin(angle), y - 0.3 * u * Math.cos(angle), angle + 0.55, 0.55 * u, 0.2 * u);
  },

  // The bar of the target with the wearer's effort in it; for a moving target, its way.
  target(context, cal, w, h) {
    const ink = flexor.colour("--flexor-ink"), good = flexor.colour("--flexor-good");
    const level = cal.level === null || cal.level === undefined ? null : Math.min(1.2, cal.level);
    if (!cal.trace) {
      const x = w - 26, y = (v) => h - 10 - (h - 30) * v / 1.2;
      context.fillStyle = ink;
      context.globalAlpha = 0.18;
      context.fillRect(x, y(1.2), 16, y(0) - y(1.2));
      context.globalAlpha = 1;
      if (level !== null) context.fillRect(x, y(level), 16, y(0) - y(level));
      context.fillStyle = good;
      if (cal.phase === "hold") context.fillRect(x - 5, y(cal.target) - 2, 26, 4);
      return;
    }
    const top = h * 0.66, x = (k) => 8 + (w - 16) * k / (cal.trace.length - 1);
    const y = (v) => h - 8 - (h - 16 - top) * v / 1.2;
    context.lineWidth = 3;
    context.strokeStyle = good;
    context.beginPath();
    cal.trace.forEach((v, k) => (k ? context.lineTo(x(k), y(v)) : context.moveTo(x(k), y(v))));
    context.stroke();
    const at = cal.phase === "hold" ? cal.share * (cal.trace.length - 1) : 0;
    context.fillStyle = good;
    context.beginPath();
    context.arc(x(at), y(cal.target), 9, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = ink;
    context.beginPath();
    context.arc(x(at), y(level || 0), 6, 0, 2 * Math.PI);
    context.fill();
  },

  // Tones: high when it begins, low when it ends, a tick in each of the last seconds before.
  tones(cal) {
    const box = document.getElementById("flexor-tones");
    if (box && !box.dataset.wired) {
      box.dataset.wired = "1";
      box.checked = localStorage.getItem("flexor-tones") !== "off";
      const open = () => { calibration.audio = calibration.audio || new AudioContext(); };
      box.addEventListener("change", () => {
        localStorage.setItem("flexor-tones", box.checked ? "on" : "off");
        open();
      });
      document.addEventListener("pointerdown", open, {once: true});
      document.addEventListener("keydown", open, {once: true});
    }
    const before = calibration.phase, left = Math.ceil(cal.left_s || 0);
    calibration.phase = cal.phase;
    const on = box && box.checked;
    if (on && before !== cal.phase && before) {
      if (cal.phase === "hold") calibration.tone(880, 0.18);
      if (cal.phase === "ready") calibration.tone(440, 0.18);
      if (cal.phase === "done") { calibration.tone(660, 0.15); calibration.tone(990, 0.3, 0.16); }
    }
    if (on && cal.phase === "ready" && left !== calibration.tick && left > 0 && left <= 2) {
      calibration.tone(620, 0.05);
    }
    calibration.tick = left;
    const newest = cal.newest || {};
    if (on && newest.n && newest.n !== calibration.said && newest.reason) {
      calibration.tone(220, 0.15); calibration.tone(180, 0.2, 0.18);
    }
    calibration.said = newest.n || 0;
  },

  tone(hz, seconds, after = 0) {
    const audio = calibration.audio;
    if (!audio || audio.state !== "running") return;
    const at = audio.currentTime + after, wave = audio.createOscillator(), gain = audio.createGain();
    wave.frequency.value = hz;
    gain.gain.setValueAtTime(0.0001, at);
    gain.gain.exponentialRampToValueAtTime(0.2, at + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
    wave.connect(gain).connect(audio.destination);
    wave.start(at);
    wave.stop(at + seconds);
  },

  words(place) { return (place.flexorWords = place.flexorWords || JSON.parse(place.dataset.words)); },
  name(words, gesture) { return words[`gesture ${gesture}`] || gesture; },
};

flexor.pictures.calHand = (place, view) => {
  const cal = view.calibration || {}, [context, w, h] = flexor.paper(place);
  calibration.tones(cal);
  if (!cal.phase) return;
  const [pose, strength] = calibration.pose(cal);
  const tall = cal.trace ? h * 0.64 : h, u = tall / 4.2;
  context.lineCap = "round";
  context.strokeStyle = flexor.colour(cal.phase === "hold" ? "--flexor-good" : "--flexor-ink");
  context.globalAlpha = strength;
  context.save();
  context.translate(w / 2 - (cal.trace ? 0 : 10), tall * 0.52);
  (pose.bend ? calibration.side : calibration.front)(context, pose, u);
  context.restore();
  context.globalAlpha = 1;
  calibration.target(context, cal, w, h);
};

flexor.pictures.calText = (place, view) => {
  const cal = view.calibration || {}, words = calibration.words(place);
  if (!cal.phase) { flexor.put(place, flexor.escape(cal.problem || "")); return; }
  const busy = cal.busy ? words.cal_fitting : "";
  const name = flexor.escape(calibration.name(words, cal.gesture || ""));
  const where = flexor.escape(words[`position ${cal.position}`] || cal.position || "");
  const arm = cal.positions > 1 && cal.position ? `<b class="flexor-now">${words.cal_arm} ${where}</b> · ` : "";
  const seconds = `<span class="flexor-count" aria-hidden="true">${Math.ceil(cal.left_s)}</span>`;
  const head = {
    ready: `<span>${arm}${words.cal_rest} · ${words.cal_ready} <b>${name}</b></span> ${seconds}`,
    hold: `<span>${words.cal_now} <b class="flexor-now">${name}</b></span> ${seconds}`,
    paused: `<b>${words.cal_paused}</b>`, done: `<b>${words.cal_done}</b>`,
  }[cal.phase];
  const far = `<progress max="${cal.all}" value="${cal.done}"></progress> ${cal.done} / ${cal.all}`;
  flexor.put(place, `<div>${busy || head}</div><small>${where} ${far}</small>`);
};

flexor.pictures.calSaid = (place, view) => {
  const newest = (view.calibration || {}).newest, words = calibration.words(place);
  if (!newest || !newest.n) { flexor.put(place, ""); return; }
  const name = flexor.escape(calibration.name(words, newest.gesture));
  const what = calibration.name(words, newest.what);
  const text = newest.reason ? (words[`reason ${newest.reason}`] || newest.reason).replace("{what}", what)
    : words.cal_good;
  const reaction = newest.reaction_s === null ? "" : ` (${newest.reaction_s.toFixed(1)} s)`;
  flexor.put(place, `<span class="flexor-${newest.reason ? "warn" : "good"}">${newest.reason ? "⚠" : "✓"} ` +
    `${name}: ${flexor.escape(text)}${newest.reason ? "" : reaction}</span>`);
};

flexor.pictures.spider = (place, view) => {
  const [context, w, h] = flexor.paper(place), cal = view.calibration || {};
  const shapes = Object.entries(cal.spider || {});
  if (!shapes.length) return;
  const text = document.querySelector("[data-flexor-draw=calText]");
  const words = text ? calibration.words(text) : {};
  const n = shapes[0][1].length, r = Math.min(w, h) * 0.4, middle = [w / 2, h / 2];
  const to = (k, v) => {
    const angle = 2 * Math.PI * k / n - Math.PI / 2;
    return [middle[0] + r * v * Math.cos(angle), middle[1] + r * v * Math.sin(angle)];
  };
  context.strokeStyle = flexor.colour("--flexor-text");
  context.fillStyle = context.strokeStyle;
  context.font = "11px system-ui";
  context.textAlign = "center";
  context.lineWidth = 1;
  context.globalAlpha = 0.25;
  for (let k = 0; k < n; k += 1) {
    context.beginPath();
    context.moveTo(...middle);
    context.lineTo(...to(k, 1));
    context.stroke();
  }
  context.globalAlpha = 0.8;
  for (let k = 0; k < n; k += 1) context.fillText(String(k + 1), to(k, 1.12)[0], to(k, 1.12)[1] + 4);
  shapes.forEach(([gesture, shape], i) => {
    const colour = `hsl(${360 * i / shapes.length} 75% 50%)`;
    context.strokeStyle = colour;
    context.lineWidth = gesture === (cal.newest || {}).gesture ? 4 : 1.5;
    context.globalAlpha = gesture === cal.gesture || gesture === (cal.newest || {}).gesture ? 1 : 0.6;
    context.beginPath();
    shape.forEach((v, k) => (k ? context.lineTo(...to(k, v)) : context.moveTo(...to(k, v))));
    context.closePath();
    context.stroke();
    context.fillStyle = colour;
    context.textAlign = "left";
    context.fillText(calibration.name(words, gesture), 4, 14 + 14 * i);
  });
  context.globalAlpha = 1;
};

flexor.pictures.calIntent = (place, view) => {
  const i = (view.calibration || {}).intent, words = calibration.words(place);
  if (!i) { flexor.put(place, "–"); return; }
  const name = i[3] ? words.unsure : calibration.name(words, i[0]);
  flexor.put(place, `<b class="flexor-now">${flexor.escape(name)}</b> ${Math.round(100 * i[2])} %` +
    `<progress max="1" value="${i[1]}"></progress>`);
};
