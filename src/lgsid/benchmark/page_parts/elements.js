// Makers of HTML and SVG elements. Texts enter as text nodes only, so none can become markup.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

function element(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function shape(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

// A function as attribute listens to the event of that name; null, undefined and false leave the attribute out.
function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") {
      node.addEventListener(name, value);
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

function byId(id) {
  return document.getElementById(id);
}

function fill(id, ...children) {
  byId(id).replaceChildren(...children.flat(Infinity).filter((child) => child !== null));
}

function notice(text) {
  return element("p", { class: "notice" }, text);
}

// Radio buttons in a row. Options are {value, title, help}.
function segmented(name, legend, options, chosen, choose) {
  const labels = options.map((option) =>
    element(
      "label",
      { title: option.help },
      element("input", {
        type: "radio",
        id: `${name}-${option.value}`,
        name,
        value: option.value,
        checked: option.value === chosen,
        change: () => choose(option.value),
      }),
      option.title,
    ),
  );
  return element("fieldset", {}, element("legend", {}, legend), element("div", { class: "options" }, labels));
}

function chooser(id, label, options, chosen, choose) {
  const entries = options.map((option) =>
    element("option", { value: option.value, selected: option.value === chosen }, option.title),
  );
  const select = element("select", { id, change: (event) => choose(event.target.value) }, entries);
  return element("div", { class: "field" }, element("label", { for: id }, label), select);
}

function factList(pairs) {
  return pairs.map(([word, text]) => element("div", {}, element("dt", {}, word), element("dd", {}, text)));
}

let measuring = null;

// Width in pixels that a text of the page's font takes.
function textWidth(text, size, weight = 400) {
  measuring ??= document.createElement("canvas").getContext("2d");
  measuring.font = `${weight} ${size}px ${getComputedStyle(document.body).fontFamily}`;
  return measuring.measureText(text).width;
}
