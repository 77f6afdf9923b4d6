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
