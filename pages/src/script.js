// What a page does beside its links and forms, which work without it: keys, steps without a new page, a trace that is dropped.
"use strict";
(() => {
  const $ = (query, root = document) => root.querySelector(query);
  const $$ = (query, root = document) => [...root.querySelectorAll(query)];
  const live = $("#live");
  const say = (text) => { live.textContent = ""; setTimeout(() => { live.textContent = text; }, 30); };
  const offline = !$("script[src]");
  const walks = $("#states-of-this-file");

  // A page is put in the place of the old one, so that the focus and the reader of the screen stay.
  let asked = 0;
  async function show(url, push, options) {
    const mine = ++asked;
    $("#main").setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, options);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine !== asked) return;
      const main = $("#main", page);
      if (!main) { location.href = url; return; }
      $("#main").replaceWith(main);
      $("header.bar").replaceWith($("header.bar", page));
      document.title = page.title;
      if (push) history.pushState(null, "", answer.url);
      ready();
      const first = $("[data-focus]") || $("h1");
      if (first) { first.tabIndex = -1; first.focus({ preventScroll: true }); }
      const news = $("[data-news]");
      say(news ? news.textContent.replace(/\s+/g, " ").trim() : document.title);
    } catch (error) {
      $("#main").removeAttribute("aria-busy");
      say("The server does not answer: " + error.message);
    }
  }

  function ready() {
    $$(".events").forEach((list) => { if (list.dataset.end !== undefined) list.scrollTop = list.scrollHeight; });
    const given = $(".event[aria-current]") || $(".event:target");
    if (given) select(given);
    const beside = $("[data-beside]");
    if (beside && !beside.dataset.asked) {
      beside.dataset.asked = "yes";
      fetch(beside.dataset.beside).then((answer) => answer.text()).then((text) => {
        const page = new DOMParser().parseFromString(text, "text/html");
        beside.replaceChildren(...$("#beside", page).childNodes);
      }).catch(() => { beside.textContent = "The server does not answer."; });
    }
  }

  // Of a trace one event is chosen.
  const events = () => $$("#events .event");
  function select(row) {
    $$("#events .event[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
    row.setAttribute("aria-current", "true");
    const list = row.parentNode;
    const above = row.offsetTop - list.offsetTop - 40;
    if (above < list.scrollTop || above + row.offsetHeight + 80 > list.scrollTop + list.clientHeight) {
      list.scrollTop = Math.max(0, above - list.clientHeight / 3);
    }
    const scrub = $("#scrub");
    if (scrub) { scrub.value = row.dataset.at; $("#at").textContent = row.dataset.at; }
  }
  function choose(row) {
    select(row);
    say($(".text", row).textContent.replace(/\s+/g, " ").trim());
    if (!offline && row.id) history.replaceState(null, "", "#" + row.id);
  }

  // Of a walk one step is focused.
  const steps = () => $$("#main .step").filter((step) => step.offsetParent);
  function move(by) {
    const rows = events();
    if (rows.length) {
      const at = rows.findIndex((row) => row.hasAttribute("aria-current"));
      const next = rows[at < 0 ? 0 : at + by];
      if (next) return choose(next);
      const more = $(by > 0 ? "#later" : "#earlier");
      if (more) more.click();
      return;
    }
    const all = steps();
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
    if (next) next.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const typing = /^(input|select|textarea)$/i.test(event.target.tagName) && event.target.type !== "range";
    if (event.key === "Escape" && typing) { event.target.blur(); return; }
    if (typing) return;
    const press = (query) => { const button = $(query); if (button) button.click(); };
    const keys = {
      j: () => move(1), k: () => move(-1),
      b: () => press("#back"), r: () => press("#random"), g: () => press('nav a[href$="graph"]'),
      "/": () => { const input = $("#say") || $("#job"); if (input) input.focus(); },
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  document.addEventListener("click", (event) => {
    const row = event.target.closest("#events .event");
    if (row && !event.target.closest("a:not(.seq)")) {
      if (event.target.closest("a")) event.preventDefault();
      choose(row);
      return;
    }
    const step = event.target.closest("[data-to]");
    if (step && walks) { event.preventDefault(); goOffline([...trail(), Number(step.dataset.to)]); }
    const to = event.target.closest("[data-keep]");
    if (to && walks) { event.preventDefault(); goOffline(trail().slice(0, Number(to.dataset.keep) + 1)); }
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (offline || form.method !== "get" || !form.dataset.here) return;
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    show(form.getAttribute("action") + "?" + new URLSearchParams(data), true);
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-auto]")) event.target.form.requestSubmit();
    if (event.target.type === "file" && event.target.files.length) send(event.target.files[0]);
  });
  document.addEventListener("input", (event) => {
    if (event.target.id !== "scrub") return;
    const at = Number(event.target.value);
    const rows = events();
    const row = rows.find((one) => Number(one.dataset.at) >= at) || rows[rows.length - 1];
    if (row) { choose(row); $("#at").textContent = at; event.target.value = at; }
  });
  document.addEventListener("change", (event) => {
    if (event.target.id !== "scrub" || !event.target.dataset.url) return;
    const at = Number(event.target.value);
    const rows = events().map((row) => Number(row.dataset.at));
    if (at < Math.min(...rows) || at > Math.max(...rows)) show(event.target.dataset.url + "at=" + at, true);
  });
  if (!offline) window.addEventListener("popstate", () => show(location.href, false));

  // A trace comes from the disk.
  function send(file) {
    say("Loading " + file.name);
    show("/trace?name=" + encodeURIComponent(file.name), true,
      { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
  }
  const over = (on) => $$(".drop").forEach((place) => place.classList.toggle("over", on));
  document.addEventListener("dragover", (event) => { if (!offline) { event.preventDefault(); over(true); } });
  document.addEventListener("dragleave", () => over(false));
  document.addEventListener("drop", (event) => {
    if (offline) return;
    event.preventDefault();
    over(false);
    if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });

  // In a file of its own the states are there already, and the path is behind the `#`.
  function trail() {
    const path = /^#s((?:\d+\.)*\d+)$/.exec(location.hash);
    return path ? path[1].split(".").map(Number) : [0];
  }
  function goOffline(path) { location.hash = "s" + path.join("."); }
  function shown(push) {
    if (location.hash && !/^#s/.test(location.hash)) return;
    const path = /^#s/.test(location.hash) && !/^#s(?:\d+\.)*\d+$/.test(location.hash) ? null : trail();
    const walked = path && path.slice(1).map((to, at) => {
      const from = $("#state-" + path[at]);
      return from && from.content.querySelector('[data-to="' + to + '"]');
    });
    const place = $("#here");
    const state = path && $("#state-" + path[path.length - 1]);
    if (!state || path[0] !== 0 || walked.includes(null)) {
      const text = document.createElement("p");
      text.setAttribute("role", "alert");
      text.className = "verdict bad";
      text.textContent = "This address is no walk through this file. ";
      const link = document.createElement("a");
      link.href = "#s0";
      link.textContent = "Begin again";
      text.append(link);
      place.replaceChildren(text);
      return;
    }
    place.replaceChildren(state.content.cloneNode(true));
    const list = $("#walked");
    list.replaceChildren(...walked.map((step, at) => {
      const line = document.createElement("li");
      const button = document.createElement("button");
      button.dataset.keep = at + 1;
      button.textContent = $("code", step).textContent;
      line.append(button, " " + $("small", step).textContent);
      return line;
    }));
    const back = $("#back");
    if (back) { back.dataset.keep = Math.max(0, path.length - 2); back.disabled = path.length === 1; }
    if (push) {
      const title = $("[data-focus]", place);
      if (title) { title.tabIndex = -1; title.focus({ preventScroll: true }); }
      say(place.querySelector("[data-news]").textContent.replace(/\s+/g, " ").trim());
    }
  }
  if (walks) {
    window.addEventListener("hashchange", () => shown(true));
    document.addEventListener("click", (event) => {
      if (!event.target.closest("#random")) return;
      const all = steps();
      // By chance. The way here is the seed, so equal ways take equal steps.
      const mixed = trail().reduce((sum, at) => (sum * 48271 + at + 1) % 2147483647, 1);
      const next = all[mixed % all.length];
      if (next) next.click();
    });
    shown(false);
  }
  ready();
})();
