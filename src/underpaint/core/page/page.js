"use strict";
(() => {
  const root = document.documentElement;
  const make = (text, className) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    if (className) button.className = className;
    return button;
  };

  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = make("", "theme");
  const name = () => { theme.textContent = dark() ? "Light page" : "Dark page"; };
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  name();
  document.querySelector("header.top")?.append(theme);

  for (const block of document.querySelectorAll("pre.command")) {
    if (!navigator.clipboard) break;
    const copy = make("Copy");
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.textContent);
      copy.textContent = "Copied";
    });
    const tools = document.createElement("div");
    tools.className = "tools";
    tools.append(copy);
    block.after(tools);
  }

  const cases = [...document.querySelectorAll(".case[data-part]")];
  const parts = [...new Set(cases.map((one) => one.dataset.part))];
  if (parts.length > 1) {
    const tools = document.createElement("div");
    tools.className = "tools";
    const show = (part, pressed) => {
      for (const one of cases) one.hidden = part !== "" && one.dataset.part !== part;
      for (const button of tools.children) button.setAttribute("aria-pressed", String(button === pressed));
    };
    for (const part of ["", ...parts]) {
      const button = make(part ? part.replaceAll("_", " ") : "all");
      button.addEventListener("click", () => show(part, button));
      tools.append(button);
    }
    show("", tools.firstChild);
    cases[0].closest("section").querySelector("h3").before(tools);
  }

  for (const flip of document.querySelectorAll("[data-flicker]")) {
    const tiles = [...flip.querySelectorAll(".side")];
    const button = make("Flicker");
    let timer = null;
    const stop = () => { clearInterval(timer); timer = null; tiles.forEach((tile) => { tile.hidden = false; }); };
    button.addEventListener("click", () => {
      if (timer) { stop(); button.setAttribute("aria-pressed", "false"); return; }
      let at = 0;
      const turn = () => { tiles.forEach((tile, index) => { tile.hidden = index !== at; }); at = (at + 1) % tiles.length; };
      turn();
      timer = setInterval(turn, 700);
      button.setAttribute("aria-pressed", "true");
    });
    flip.append(button);
  }

  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id);
    const first = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) id === first ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }, { rootMargin: "-10% 0px -60% 0px" });
  for (const section of document.querySelectorAll("main > section")) watch.observe(section);
})();
