// The approval page's only script: live updates, countdowns and passkeys. All else works without it.
"use strict";

const live = document.getElementById("live");
const pulse = document.getElementById("pulse");
const LOOK_EVERY = 1000;
const CALM = 500; // milliseconds after a change in which nothing is decided: the hand aimed before it
const DECIDES = "button.approve, button[name=word], form[data-ask] button";

// -- live: a small answer says whether anything changed; only what changed is replaced

function fetchPage() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", `${location.pathname}?live`);
    request.responseType = "document"; // parsed without running or loading anything
    request.onload = () => (request.status === 200 ? resolve(request.response) : reject());
    request.onerror = reject;
    request.send();
  });
}

const keyed = (list) => [...list.children].filter((child) => child.dataset.key);

// What the forms of a card do; while that is the same they stay, with what is typed and the focus.
function deeds(decide) {
  return [...decide.querySelectorAll("form")]
    .map((form) => `${form.className} ${form.getAttribute("action")} ${form.elements.digest?.value}`)
    .join("\n");
}

function renew(old, put) {
  const [mine, theirs] = [old, put].map((card) => card.querySelector(":scope > .decide"));
  if (!mine || !theirs || deeds(mine) !== deeds(theirs)) {
    const focused = old.contains(document.activeElement);
    old.replaceWith(put);
    if (focused) put.querySelector("button.refuse, button")?.focus();
    return;
  }
  const at = [...put.children].indexOf(theirs);
  [...old.children].forEach((child) => child !== mine && child.remove());
  [...put.children].forEach((child, n) => child !== theirs && old.insertBefore(child, n < at ? mine : null));
  old.dataset.version = put.dataset.version;
}

let calmUntil = 0;

function calm() {
  calmUntil = performance.now() + CALM;
  live.classList.add("moved");
  setTimeout(() => live.classList.toggle("moved", performance.now() < calmUntil), CALM + 10);
}

addEventListener(
  "click", // Enter in a form clicks its button too
  (event) => {
    if (performance.now() >= calmUntil || !event.target.closest(DECIDES)) return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);

function settle(list, fresh) {
  const wanted = new Map(keyed(fresh).map((child) => [child.dataset.key, child]));
  for (const old of keyed(list)) {
    const next = wanted.get(old.dataset.key);
    if (!next) {
      const focused = old.contains(document.activeElement);
      old.remove();
      if (focused) list.querySelector("button.refuse")?.focus();
    } else if (next.dataset.version !== old.dataset.version) {
      const put = document.importNode(next, true);
      const unfolded = old.querySelector("details")?.open;
      put.querySelector("details")?.toggleAttribute("open", Boolean(unfolded));
      renew(old, put);
    }
  }
  const order = keyed(fresh).map((child) => child.dataset.key);
  order.forEach((key, at) => {
    const present = keyed(list);
    if (present[at]?.dataset.key === key) return;
    const mine = present.find((child) => child.dataset.key === key);
    if (!mine) list.insertBefore(document.importNode(wanted.get(key), true), present[at] ?? null);
  });
}

async function refresh() {
  const page = await fetchPage();
  const mine = page.getElementById("live").dataset;
  if (mine.factors !== live.dataset.factors) {
    location.reload(); // every card offers other ways to approve now
    return;
  }
  for (const list of live.querySelectorAll("[data-list]")) {
    const fresh = page.querySelector(`[data-list="${list.dataset.list}"]`);
    if (fresh) settle(list, fresh);
  }
  calm();
  live.dataset.seen = mine.seen;
  const waiting = list("held").querySelectorAll("article.held").length;
  document.title = `${waiting ? `(${waiting}) ` : ""}Approvals · xdm-mcp`;
  offerPasskeys();
}

const list = (name) => live.querySelector(`[data-list="${name}"]`);

function show(text, lost) {
  pulse.hidden = false;
  pulse.textContent = text;
  pulse.classList.toggle("lost", lost);
}

async function look() {
  try {
    const answer = await fetch(live.dataset.state, { credentials: "same-origin" });
    if (answer.status === 401) {
      location.reload();
      return;
    }
    const { seen } = await answer.json();
    if (seen !== live.dataset.seen) await refresh();
    show("live", false);
  } catch {
    show("the server does not answer", true);
  }
  setTimeout(look, LOOK_EVERY);
}

// -- countdowns

function left(until) {
  const seconds = Math.max(0, Math.floor((until - Date.now()) / 1000));
  const minutes = Math.floor(seconds / 60);
  return [seconds, minutes ? `${minutes} min ${String(seconds % 60).padStart(2, "0")} s` : `${seconds} s`];
}

function countDown() {
  for (const mark of document.querySelectorAll("[data-until]")) {
    const [seconds, text] = left(Date.parse(mark.dataset.until));
    mark.textContent = seconds ? `expires in ${text}` : "expired";
    mark.classList.toggle("soon", seconds < 60);
  }
}

// -- passkeys: the challenge is the digest of the send, or what the server drew for a registration

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

function decoded(options) {
  const named = (one) => ({ ...one, id: bytes(one.id) });
  const out = { ...options, challenge: bytes(options.challenge) };
  if (options.allowCredentials) out.allowCredentials = options.allowCredentials.map(named);
  if (options.excludeCredentials) out.excludeCredentials = options.excludeCredentials.map(named);
  if (options.user) out.user = { ...options.user, id: bytes(options.user.id) };
  return out;
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function encoded(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: {},
  };
}

async function asked(form) {
  const body = new URLSearchParams({ token: form.dataset.token, digest: form.elements.digest.value });
  const response = await fetch(form.dataset.ask, { method: "POST", body });
  if (response.status === 401) location.reload(); // to the lock
  const answer = await response.json();
  if (answer.says) throw new Error(answer.says);
  form.dataset.token = answer.token;
  form.elements.ceremony.value = answer.ceremony;
  return navigator.credentials.get({ publicKey: decoded(answer.options) });
}

function made(form) {
  return navigator.credentials.create({ publicKey: decoded(JSON.parse(form.dataset.register)) });
}

async function usePasskey(form, button) {
  button.disabled = true;
  try {
    const credential = await (form.dataset.ask ? asked(form) : made(form));
    form.elements.answer.value = JSON.stringify(encoded(credential));
    form.submit();
  } catch (error) {
    button.disabled = false;
    const ours = error instanceof Error && !(error instanceof DOMException);
    button.textContent = ours ? error.message : "No passkey answered; try again";
  }
}

function offerPasskeys() {
  if (!window.PublicKeyCredential) return;
  for (const form of document.querySelectorAll("form[data-ask], form[data-register]")) {
    if (form.dataset.offered) continue;
    form.dataset.offered = "yes";
    form.hidden = false;
    const button = form.querySelector("button");
    button.addEventListener("click", () => {
      if (form.reportValidity()) usePasskey(form, button);
    });
  }
}

// The rejection has the focus, but reading begins at the top.
addEventListener("load", () => scrollTo(0, 0));

offerPasskeys();
countDown();
setInterval(countDown, 1000);
if (live) look();
