// The electrodes: heat on the ring or the grid, the spectrum, lights, batteries.
"use strict";
// Dark blue where a muscle is quiet, through green to yellow: told apart by the colour-blind too.
flexor.heat = (level) => {
  const stops = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const at = Math.max(0, Math.min(0.9999, level)) * (stops.length - 1), k = Math.floor(at), part = at - k;
  return `rgb(${stops[k].map((v, i) => Math.round(v + (stops[k + 1][i] - v) * part)).join(" ")})`;
};

flexor.pictures.ring = (place, view) => {
  const [context, w, h] = flexor.paper(place);
  if (!view.alive) return;
  const scale = flexor.scale(view) / 4;
  const level = (c) => Math.min(1, (view.levels[c] || 0) / scale);
  const layout = view.layout || {kind: "ring"};
  place.dataset.kind = layout.kind;
  context.font = "11px system-ui";
  context.textAlign = "center";
  if (layout.kind === "ring") flexor.ringOf(context, w, h - 22, view, level);
  else flexor.gridsOf(context, w, h - 22, view, level, layout.grids);
  const [x, y, wide] = [w * 0.2, h - 14, w * 0.6];
  for (let k = 0; k < 40; k += 1) {
    context.fillStyle = flexor.heat(k / 39);
    context.fillRect(x + wide * k / 40, y, wide / 40 + 1, 8);
  }
  context.fillStyle = flexor.colour("--flexor-text");
  context.textAlign = "start";
  context.fillText(`${scale.toPrecision(2)} ${view.unit === "uV" ? "µV" : ""}`, x + wide + 4, y + 8);
  context.textAlign = "end";
  context.fillText("0", x - 4, y + 8);
};

// Seen from the elbow: sectors of a ring, the first on top.
flexor.ringOf = (context, w, h, view, level) => {
  const n = view.channels.length, outer = Math.min(w, h) * 0.47, inner = outer * 0.55;
  const step = 2 * Math.PI / n, [cx, cy] = [w / 2, h / 2];
  view.channels.forEach((name, c) => {
    const from = c * step - Math.PI / 2 - step / 2, gap = Math.min(0.03, step / 8);
    const found = flexor.finding(view, name);
    context.beginPath();
    context.arc(cx, cy, outer, from + gap, from + step - gap);
    context.arc(cx, cy, inner, from + step - gap, from + gap, true);
    context.closePath();
    context.fillStyle = flexor.heat(level(c));
    context.fill();
    if (found) {
      context.lineWidth = 3;
      context.strokeStyle = flexor.colour(found.fault ? "--flexor-bad" : "--flexor-warn");
      context.stroke();
    }
    const angle = from + step / 2, r = (outer + inner) / 2;
    context.fillStyle = level(c) > 0.6 ? "#000" : "#fff";
    if (n <= 24) context.fillText(name.replace(/^.*?(\d+)$/, "$1"), cx + r * Math.cos(angle), cy + r * Math.sin(angle) + 4);
  });
};

// Grids beside each other, row by row; places without an electrode stay empty.
flexor.gridsOf = (context, w, h, view, level, grids) => {
  const share = w / grids.length;
  grids.forEach((grid, g) => {
    const size = Math.min((share - 8) / grid.columns, (h - 4) / grid.rows);
    const [left, top] = [g * share + (share - size * grid.columns) / 2, (h - size * grid.rows) / 2];
    for (let k = 0; k < grid.n; k += 1) {
      const at = k + grid.skipped, c = grid.first + k;
      const [x, y] = [left + size * (at % grid.columns), top + size * Math.floor(at / grid.columns)];
      const found = flexor.finding(view, view.channels[c]);
      context.fillStyle = flexor.heat(level(c));
      context.fillRect(x + 1, y + 1, size - 2, size - 2);
      if (found) {
        context.lineWidth = 2;
        context.strokeStyle = flexor.colour(found.fault ? "--flexor-bad" : "--flexor-warn");
        context.strokeRect(x + 2, y + 2, size - 4, size - 4);
      }
      context.fillStyle = level(c) > 0.6 ? "#000" : "#fff";
      if (size > 20) context.fillText(view.channels[c].replace(/^.*?(\d+)$/, "$1"), x + size / 2, y + size / 2 + 4);
    }
  });
};

flexor.pictures.spectrum = (place, view) => {
  const [context, w, h] = flexor.paper(place);
  const {hz, db} = view.spectrum || {hz: [], db: []};
  if (!hz || !hz.length) return;
  const last = hz[hz.length - 1], [top, low] = [Math.max(...db) + 3, Math.max(...db) - 60];
  const x = (f) => 30 + (w - 36) * f / last;
  context.font = "11px system-ui";
  const line = view.about && view.about.line_hz;
  context.setLineDash([4, 3]);
  for (let k = 1; line && k * line < last && k <= 4; k += 1) {
    context.strokeStyle = flexor.colour("--flexor-warn");
    context.fillStyle = context.strokeStyle;
    context.beginPath();
    context.moveTo(x(k * line), 6);
    context.lineTo(x(k * line), h - 18);
    context.stroke();
    if (k === 1) context.fillText(`${place.dataset.line} ${line} Hz`, x(line) + 4, 16);
  }
  context.setLineDash([]);
  context.strokeStyle = flexor.colour("--flexor-ink");
  context.beginPath();
  hz.forEach((f, k) => {
    const y = 6 + (h - 24) * (top - Math.max(low, db[k])) / (top - low);
    if (k) context.lineTo(x(f), y); else context.moveTo(x(f), y);
  });
  context.stroke();
  context.fillStyle = flexor.colour("--flexor-text");
  for (let k = 0; k <= 4; k += 1) context.fillText(`${Math.round(last * k / 4)} Hz`, 24 + (w - 60) * k / 4, h - 4);
};

flexor.pictures.lights = (place, view) => {
  const rows = (view.channels || []).map((name) => {
    const found = flexor.finding(view, name);
    const kind = !found ? "good" : found.fault ? "bad" : "warn";
    const text = found ? `${found.said}: ${found.mend}` : place.dataset.good;
    return `<li class="flexor-${kind}"><b></b> ${flexor.escape(name)} <span>${flexor.escape(text)}</span></li>`;
  });
  flexor.put(place, `<ul class="flexor-lights">${rows.join("")}</ul>`);
};

flexor.pictures.loss = (place, view) => {
  if (view.alive) flexor.put(place, `${view.lost} ${flexor.escape(place.dataset.word)}`);
};

// Sensor and hand: a share, a word, or that it is not reported; from a fifth down, what to do.
flexor.pictures.battery = (place, view) => {
  const words = (place.flexorWords = place.flexorWords || JSON.parse(place.dataset.words));
  if (!view.alive) { flexor.put(place, ""); return; }
  const {sensor = null, hand = null} = (view.status || {}).battery || {};
  const kind = sensor === null ? "none" : sensor <= 0.1 ? "bad" : sensor <= 0.2 ? "warn" : "good";
  const share = sensor === null ? words.battery_unknown : `${Math.round(100 * sensor)} %`;
  const mend = kind === "bad" ? ` · ${words.battery_empty}` : kind === "warn" ? ` · ${words.battery_low}` : "";
  const own = hand === null ? words.battery_unknown : hand === "low" ? words.battery_hand_low : words.battery_well;
  const rows = [[words.source, kind, share + mend]];
  if (place.dataset.hand) rows.push([words.hand, hand === null ? "none" : hand === "low" ? "bad" : "good", own]);
  flexor.put(place, rows.map(([name, state, text]) =>
    `<div class="flexor-battery flexor-${state}"><b></b> ${flexor.escape(name)}: <span>${flexor.escape(text)}</span></div>`).join(""));
};
