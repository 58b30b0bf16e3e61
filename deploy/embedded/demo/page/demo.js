"use strict";
// Shows the hops of the incident as they happen, and which buttons can be pressed. Without it the forms work all the same.
const state = document.getElementById("state");
const hops = document.getElementById("hops");
const says = {
  none: "The shop is well.",
  firing: (s) => `An incident: ${s.title}. On its way to you.`,
  lasting: (s) => `An incident: ${s.title}. Told on all three channels.`,
  missed: (s) => `An incident: ${s.title}. It got stuck on its way.`,
  resolving: "The shop is well again. On its way to you.",
  over: "The shop is well again, and all three channels know.",
};

function show(s) {
  const text = says[s.state];
  state.textContent = typeof text === "function" ? text(s) : text;
  state.className = ["firing", "lasting", "missed"].includes(s.state) ? "bad" : "";
  for (const b of document.querySelectorAll("button")) b.disabled = (b.dataset.when === "busy") !== s.busy;
  hops.replaceChildren(...s.acts.map(line));
  for (const p of hops.children) {
    const last = [...p.querySelectorAll(".seen, .missed")].pop();
    if (last) p.scrollLeft = last.offsetLeft + last.offsetWidth + 16 - p.clientWidth; // on a narrow screen
  }
}

function line(act) {
  const p = document.createElement("p");
  const b = document.createElement("b");
  b.textContent = act.name + " " + new Date(act.began).toLocaleTimeString("en-GB");
  p.append(b, ...act.hops.map((h) => chip(act, h)));
  return p;
}

function chip(act, h) {
  const span = document.createElement("span");
  span.className = h.state + " " + act.name;
  span.title = h.text || "";
  span.textContent = h.state === "seen" ? `${h.name} ${h.seconds.toFixed(2)} s` : h.name;
  return span;
}

async function look() {
  try {
    const res = await fetch("/hops.json");
    if (res.ok) show(await res.json());
  } catch {
    state.textContent = "The demo has ended.";
  }
  setTimeout(look, 500);
}
look();
