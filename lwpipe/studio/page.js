// What viser has no widget for: pictures of faces in drop-downs, and what is pointed at or clicked
// in the page's own HTML. It is run once a page.
(() => {
  if (window.lwpipeStudio) return;
  window.lwpipeStudio = true;
  const CHANNEL = "lwpipe-page", FACES = ["Edit", "Take from", "From"];
  const style = document.createElement("style");
  style.textContent = `
    .lwpipe-hidden { display: none !important; }
    .lwpipe-face { background-repeat: no-repeat; background-position: 4px center;
      background-size: auto 44px; min-height: 48px; padding-left: 52px !important; }
    .lwpipe-steps { display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px;
      padding: 4px 10px; }
    .lwpipe-steps button { all: unset; cursor: pointer; border: 2px solid transparent;
      border-radius: 4px; font: 11px/1.25 sans-serif; text-align: center; overflow: hidden;
      overflow-wrap: anywhere; padding: 2px; }
    .lwpipe-steps button:hover { background: #eee; }
    .lwpipe-steps button:focus-visible { outline: 2px solid #a06242; }
    .lwpipe-steps button[aria-current] { border-color: #a06242; }
    .lwpipe-steps img { display: block; height: 74px; margin: 0 auto; }`;
  document.head.append(style);

  const row = (label) => label.closest("[class*=Flex-root]")?.parentElement;
  const channel = () => [...document.querySelectorAll("label")]
    .find((label) => label.textContent === CHANNEL);
  let told = 0;
  // A text field that is not seen: what is written into it goes to the studio.
  function say(words) {
    const input = channel() && row(channel()).querySelector("input");
    if (!input) return;
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
    set.call(input, `${words} #${++told}`);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // A card is the largest element with one mark of a part in it.
  function card(mark) {
    let found = mark;
    while (found.parentElement.querySelectorAll("[data-part]").length === 1)
      found = found.parentElement;
    return found;
  }
  let pointed = null, fading = 0, acted = -1e9;
  function point(part) {
    clearTimeout(fading);
    if (part !== pointed) say(part === null ? "part" : `part ${part}`);
    pointed = part;
    // It must not hide what the card does.
    if (part !== null) fading = setTimeout(() => { say("part"); }, 2500);
  }
  function over(event) {
    // What was just done is to be seen, and a list that is open belongs to its card.
    if (performance.now() - acted < 1000 || event.target.closest("[role=listbox]")) return;
    const marks = [...document.querySelectorAll("[data-part]")];
    const mark = marks.find((each) => card(each).contains(event.target));
    point(mark ? mark.dataset.part : null);
  }
  document.addEventListener("mouseover", over);
  document.addEventListener("focusin", over);
  document.addEventListener("mouseleave", () => point(null));
  for (const kind of ["pointerdown", "keydown"])
    document.addEventListener(kind, () => {
      acted = performance.now();
      clearTimeout(fading);
      if (pointed !== null) say("part");
    });
  document.addEventListener("click", (event) => {
    const spoken = event.target.closest("[data-say]");
    if (spoken) say(spoken.dataset.say);
  });

  const sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      sight.unobserve(target);
      const name = target.textContent;
      // A part that was drawn is no face.
      if (!name.startsWith("given-rest:"))
        target.style.backgroundImage = `url("pictures/face?name=${encodeURIComponent(name)}")`;
    }
  });
  function look() {
    const label = channel();
    if (label) row(label).classList.add("lwpipe-hidden");
    // Only the list that is open says which drop-down it belongs to.
    for (const box of document.querySelectorAll("input[role=combobox][aria-expanded=true]")) {
      const list = document.getElementById(box.getAttribute("aria-controls"));
      const title = document.querySelector(`label[for="${box.id}"]`)?.textContent;
      if (!list || !FACES.includes(title)) continue;
      for (const option of list.querySelectorAll("[role=option]:not(.lwpipe-face)")) {
        option.classList.add("lwpipe-face");
        sight.observe(option);
      }
    }
  }
  // At once, before it is painted: what is clicked must not move.
  new MutationObserver(look).observe(document.body, {
    childList: true, subtree: true, attributeFilter: ["aria-expanded", "aria-controls"],
  });
  look();
})();
