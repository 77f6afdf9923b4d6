// The secret of a scanned code stands behind the #, which no browser sends and no server logs.
async function pair(secret) {
  const answer = await fetch("/pair/", {
    method: "POST",
    headers: {"content-type": "application/json"},
    body: JSON.stringify({secret}),
  });
  if (answer.ok) {
    location.replace("/");
    return;
  }
  const told = await answer.json().catch(() => ({text: "The device does not answer."}));
  document.getElementById("why").textContent = told.text;
}
document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  pair(document.getElementById("code").value);
});
const scanned = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
if (scanned) pair(scanned);
