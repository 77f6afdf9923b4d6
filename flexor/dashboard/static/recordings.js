// What is recorded now, what is shown again, and files that come and go.
"use strict";
flexor.minutes = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

// A red dot on every page while the run is recorded.
flexor.pictures.recording = (place, view) => {
  const told = view.recording;
  if (!told) { flexor.put(place, ""); return; }
  const lost = told.lost ? ` · ${told.lost} ${flexor.escape(place.dataset.lost)}` : "";
  flexor.put(place, `<span class="flexor-rec">●</span> ${flexor.escape(place.dataset.word)} ` +
    `${flexor.escape(told.name)} · ${(told.bytes_n / 1e6).toFixed(2)} MB · ${told.samples_n} ${flexor.escape(place.dataset.samples)}${lost}`);
};

// A replay must never be taken for the hand as it is now: a banner, and a frame around the page.
flexor.pictures.replay = (place, view) => {
  document.body.classList.toggle("flexor-replaying", Boolean(view.replay));
  if (!view.replay) { flexor.put(place, ""); return; }
  const names = JSON.parse(place.dataset.names), now = names[view.now] || view.now || "–";
  flexor.put(place, `<b>${flexor.escape(place.dataset.word)}</b> ${flexor.escape(view.replay.name)} · ` +
    `<span class="flexor-at">${flexor.minutes(view.replay.position_s)} / ${flexor.minutes(view.replay.seconds)}</span>` +
    ` · ${flexor.escape(place.dataset.now)} <b>${flexor.escape(now)}</b>`);
};

// A profile of another device: sent as it is, and judged by the device.
flexor.upload = async () => {
  const [name, file] = [document.getElementById("flexor-import-name").value.trim(), document.getElementById("flexor-import").files[0]];
  if (!file) return;
  const answer = await fetch(`/upload/profile?wearer=${encodeURIComponent(name).replaceAll("%20", "+")}`, {method: "POST", body: file}).catch(() => null);
  if (answer && answer.ok) { location.reload(); return; }
  const told = answer ? await answer.json().catch(() => ({})) : {};
  flexor.say(told.text || "The device does not answer.");
};
