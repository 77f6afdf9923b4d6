// Draws the test that is done on the run: a ring of targets, a limb's posture, or an asked gesture.
"use strict";
flexor.pictures.test = (place, view) => {
  const [context, w, h] = flexor.paper(place);
  const test = view.test;
  context.fillStyle = flexor.colour("--flexor-text");
  context.font = "16px system-ui";
  context.textAlign = "center";
  if (!test) return;
  if (test.wait_s > 0 && !test.done) context.fillText(`${Math.ceil(test.wait_s)}`, w / 2, 20);
  const size = Math.min(w, h - 30) / 2, middle = [w / 2, h / 2 + 8];
  if (test.kind === "fitts") {
    const to = ([x, y]) => [middle[0] + size * x, middle[1] - size * y];
    const disc = (at, radius, colour, fill) => {
      context.beginPath();
      context.arc(...to(at), radius * size, 0, 2 * Math.PI);
      context[fill ? "fillStyle" : "strokeStyle"] = colour;
      context[fill ? "fill" : "stroke"]();
    };
    for (const at of test.targets) disc(at, test.width / 2, flexor.colour("--flexor-text"), false);
    if (test.target) {
      context.globalAlpha = 0.35 + 0.65 * test.dwell;
      disc(test.target, test.width / 2, flexor.colour("--flexor-good"), true);
      context.globalAlpha = 1;
    }
    disc(test.at, 0.03, flexor.colour("--flexor-ink"), true);
  } else if (test.kind === "tac") {
    const lane = (h - 40) / test.at_deg.length;
    test.at_deg.forEach((at, k) => {
      const y = 30 + lane * (k + 0.5), x = (deg) => w / 2 + (w / 2 - 12) * deg / test.range_deg;
      if (test.target_deg) {
        context.fillStyle = flexor.colour("--flexor-good");
        context.globalAlpha = 0.5;
        const [low, high] = [-1, 1].map((s) => x(test.target_deg[k] + s * test.tolerance_deg));
        context.fillRect(low, y - lane / 3, high - low, lane * 2 / 3);
        context.globalAlpha = 1;
      }
      context.fillStyle = flexor.colour("--flexor-ink");
      context.fillRect(x(at) - 3, y - lane / 3, 6, lane * 2 / 3);
    });
  } else if (test.asked) {
    context.font = "28px system-ui";
    context.fillText(test.moving ? test.asked.replaceAll("_", " ") : "…", w / 2, h / 2);
    context.fillStyle = flexor.colour("--flexor-good");
    context.fillRect(20, h / 2 + 24, (w - 40) * test.right, 12);
  }
  if (test.done) context.fillText("✓", w / 2, 24);
};

// Figures of each day: a bar for completion, a line for each of the others on a scale of its own.
flexor.pictures.days = (place) => {
  const [context, w, h] = flexor.paper(place);
  const days = (place.flexorDays = place.flexorDays || JSON.parse(place.dataset.days));
  const words = (place.flexorWords = place.flexorWords || JSON.parse(place.dataset.words));
  const lines = [
    ["throughput_bit_s", words.throughput, "--flexor-ink"], ["time_s", words.seconds, "--flexor-warn"],
    ["completion_s", words.seconds, "--flexor-warn"], ["path_efficiency", words.efficiency, "--flexor-good"],
    ["overshoots_per_trial", words.overshoots, "--flexor-bad"], ["overshoots_per_posture", words.overshoots, "--flexor-bad"],
  ].filter(([name]) => days.some((day) => day[name] !== undefined));
  const [top, foot] = [16 * (Math.ceil((lines.length + 1) / 2)) + 8, h - 18], each = (w - 16) / days.length;
  const x = (k) => 8 + each * (k + 0.5), y = (share) => foot - (foot - top) * share;
  context.font = "11px system-ui";
  context.textAlign = "center";
  days.forEach((day, k) => {
    context.fillStyle = flexor.colour("--flexor-text");
    context.globalAlpha = 0.15;
    const wide = Math.min(40, each * 0.7);
    context.fillRect(x(k) - wide / 2, y(day.completion || 0), wide, foot - y(day.completion || 0));
    context.globalAlpha = 1;
    const every = Math.ceil(days.length / Math.max(1, Math.floor(w / 48)));
    if (k % every === 0) context.fillText(day.day.slice(5), x(k), h - 4);
  });
  context.textAlign = "start";
  context.fillStyle = flexor.colour("--flexor-text");
  const last = days[days.length - 1];
  context.fillText(`▮ ${words.completion}: ${Math.round(100 * (last.completion || 0))} %`, 8, 12);
  lines.forEach(([name, word, colour], i) => {
    const most = name === "path_efficiency" ? 1 : Math.max(1e-9, ...days.map((day) => day[name] || 0)) * 1.1;
    context.strokeStyle = flexor.colour(colour);
    context.fillStyle = context.strokeStyle;
    context.lineWidth = 2;
    context.beginPath();
    let drawn = false;
    days.forEach((day, k) => {
      if (day[name] === undefined) return;
      if (drawn) context.lineTo(x(k), y(day[name] / most)); else context.moveTo(x(k), y(day[name] / most));
      drawn = true;
    });
    context.stroke();
    days.forEach((day, k) => {
      if (day[name] === undefined) return;
      context.beginPath();
      context.arc(x(k), y(day[name] / most), 3.5, 0, 2 * Math.PI);
      context.fill();
    });
    const value = last[name] === undefined ? "–" : name === "path_efficiency" ? `${Math.round(100 * last[name])} %` : last[name].toFixed(2);
    context.fillText(`● ${word}: ${value}`, 8 + ((i + 1) % 2) * w / 2, 12 + 16 * Math.floor((i + 1) / 2));
  });
};
