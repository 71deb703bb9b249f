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
for (const status of document.querySelectorAll("[data-live]")) {
  const words = status.querySelector("span");
  const say = (state, text) => {
    status.dataset.state = state;
    if (words.textContent !== text) words.textContent = text;
  };
  let busy = false;
  let again = false;
  const refresh = () => {
    // What somebody is typing in stays as it is until they are done.
    if (busy || document.querySelector(`#${status.dataset.region} :is(input, select, textarea):focus`)) {
      again = true;
      return;
    }
    busy = true;
    again = false;
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.onloadend = () => {
      busy = false;
      const fresh = request.status === 200 && request.response?.getElementById(status.dataset.region);
      if (!fresh) return;
      const old = document.getElementById(status.dataset.region);
      const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
      const open = new Set([...old.querySelectorAll("details[open][id]")].map((one) => one.id));
      for (const one of fresh.querySelectorAll("details[id]")) one.open = open.has(one.id);
      old.replaceWith(document.importNode(fresh, true));
      if (focused) document.getElementById(focused)?.focus();
    };
    request.send();
  };
  const events = new EventSource(status.dataset.live);
  events.onopen = () => say("open", "Live: this page keeps itself up to date.");
  events.onmessage = refresh;
  events.onerror = () => {
    const ended = events.readyState === EventSource.CLOSED;
    say("lost", ended ? "No longer live. Reload the page to see what is new." : "The connection is lost. Trying again…");
  };
  document.addEventListener("focusout", () => again && setTimeout(refresh));
}
