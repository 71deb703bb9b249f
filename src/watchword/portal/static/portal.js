// Small comforts. Every page does its work without them.
"use strict";

// Forms are sent once: a second click does nothing until the page is shown anew.
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  // Not `disabled`: that would keep the button's own value from being sent.
  event.submitter?.setAttribute("aria-disabled", "true");
});

// The back button may bring a page back as it was left.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
});

// A code that was pasted with blanks or a dash is the same code.
for (const field of document.querySelectorAll("input[data-code]")) {
  field.addEventListener("input", () => {
    const digits = field.value.replace(/[\s-]/g, "");
    if (digits !== field.value) field.value = digits;
  });
}

for (const button of document.querySelectorAll("button[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    button.firstChild.textContent = shown ? "Hide" : "Show";
  });
}

// A browser gives the clipboard to pages over https only.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  const label = button.querySelector("span");
  const before = label.textContent;
  label.setAttribute("aria-live", "polite");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text.replace(/\s+/g, ""));
      label.textContent = "Copied";
    } catch {
      label.textContent = "Select it and copy it by hand";
    }
    setTimeout(() => (label.textContent = before), 4000);
  });
}

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// Live pages. layout.live(EVENTS) names a stream of server-sent events; each event, whatever it says, means that there is
// something new. Then this same page is asked for once more, and its element #live takes the place of ours. So the server
// draws everything in one way, and nothing that came over the stream is ever read as HTML.
//
// Rule 1. The page is asked for at each event, and when the stream opens or ends: something may have happened before.
// Rule 2. While it is on its way, or somebody's hands are on the old one, nothing is forgotten: it is asked for afterwards.
// Rule 3. A page that names no stream any more has told everything: the stream ends, and so does the line about it.
// Rule 4. What may pass is tried again, less and less often; for what does not, the line says what to do.
const LIVE = "Live: this page keeps itself up to date.";
const WAITING = "There is something new. It is shown when you are done here.";
const TRYING = "Not live at the moment. Trying again…";
const SIGNED_OUT = "Your session has ended. Reload the page to go on.";
const OVER = "No longer live. Reload the page to see why.";

const ANSWER_MILLISECONDS = 30_000;
const FIRST_PAUSE_MILLISECONDS = 2_000;
const LONGEST_PAUSE_MILLISECONDS = 60_000;
// After a finger is lifted, its click comes a moment later.
const CLICK_MILLISECONDS = 300;

const isChanged = (field) => {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (!field.options) return field.value !== field.defaultValue;
  const given = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
  return given !== undefined && !given.selected;
};

// What somebody types stays as it is until they are done: the field that they are in, and each that is not as it came.
const isTyping = (region) =>
  [...region.querySelectorAll("input, select, textarea")].some((one) => one === document.activeElement || isChanged(one));

// Nor does what they press go from under their finger, or come back to be sent twice.
const isPressing = (region) => region.querySelector(":active, form[data-sent]") !== null;

// What looks and does the same as an element does.
const twin = (element, region) => {
  const isSame = (one) => (element.id ? one.id === element.id : one.isEqualNode(element));
  return [...region.querySelectorAll(element.localName)].find(isSame);
};

const replace = (old, fresh) => {
  const open = new Set([...old.querySelectorAll("details[open][id]")].map((one) => one.id));
  for (const one of fresh.querySelectorAll("details[id]")) one.open = open.has(one.id);
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const imported = document.importNode(fresh, true);
  old.replaceWith(imported);
  if (focused) twin(focused, imported)?.focus({ preventScroll: true });
};

const keepLive = (status) => {
  const region = () => document.getElementById(status.dataset.region);
  let events;
  let timer;
  let busy = false;
  let again = false;
  let over = false;
  let failures = 0;
  let lost = 1; // how often since it was open; at first it has not been

  const say = (state, text) => {
    const words = status.querySelector("span");
    status.dataset.state = state;
    if (words.textContent !== text) words.textContent = text;
  };
  const stop = () => {
    over = true;
    events.close();
    clearTimeout(timer);
  };
  const later = (action) => {
    clearTimeout(timer);
    timer = setTimeout(action, Math.min(FIRST_PAUSE_MILLISECONDS * 2 ** failures, LONGEST_PAUSE_MILLISECONDS));
    failures += 1;
  };
  const isPutOff = () => {
    const typing = isTyping(region());
    if (typing) say("waiting", WAITING);
    again = typing || isPressing(region());
    return again;
  };

  const refresh = () => {
    if (over) return;
    if (busy) again = true;
    if (busy || isPutOff()) return;
    busy = true;
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.timeout = ANSWER_MILLISECONDS;
    request.onloadend = () => {
      busy = false;
      take(request);
    };
    request.send();
  };

  const take = (request) => {
    const fresh = request.status === 200 && request.response?.getElementById(status.dataset.region);
    if (fresh) {
      const isOld = again;
      if (isPutOff()) return;
      replace(region(), fresh);
      if (!request.response.querySelector("[data-live]")) finish();
      else if (isOld) refresh();
      else tell();
    } else if (request.status === 0 || request.status === 429 || request.status >= 500) {
      say("lost", TRYING);
      later(refresh);
    } else {
      const elsewhere = new URL(request.responseURL).pathname !== location.pathname;
      say("lost", elsewhere ? SIGNED_OUT : OVER);
      stop();
    }
  };

  const finish = () => {
    stop();
    status.remove();
  };

  const tell = () => {
    if (events.readyState === EventSource.CLOSED) {
      say("lost", TRYING);
      later(listen);
    } else if (lost < 2) {
      failures = 0;
      say("open", LIVE);
    } else {
      say("lost", TRYING);
    }
  };

  const listen = () => {
    events = new EventSource(status.dataset.live);
    events.onopen = () => {
      lost = 0;
      tell();
      refresh();
    };
    events.onmessage = refresh;
    events.onerror = () => {
      lost += 1;
      if (events.readyState === EventSource.CLOSED) refresh();
      // Streams end in good order, too, and the browser comes again by itself: that is no news until it fails to.
      else if (lost > 1) say("lost", TRYING);
    };
  };

  for (const done of ["focusout", "input", "pointerup", "pointercancel", "keyup"]) {
    addEventListener(done, () => setTimeout(() => again && !busy && refresh(), CLICK_MILLISECONDS));
  }
  listen();
};

for (const status of document.querySelectorAll("[data-live]")) keepLive(status);
