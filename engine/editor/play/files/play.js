"use strict"
const $ = id => document.getElementById(id)
const text = $("text"), gutter = $("gutter"), result = $("result"), why = $("why")
const token = document.body.dataset.token
let hash = document.body.dataset.hash
let onDisk = text.value
let problems = []

// post asks the server; an error is a sentence for people.
async function post(path, fields, signal) {
  let answer
  try {
    answer = await fetch(path, {method: "POST", body: new URLSearchParams({token, ...fields}), signal})
  } catch (e) {
    if (e.name === "AbortError") throw e
    throw new Error("pipe does not answer. If it has ended, copy your changes and start pipe play again.")
  }
  if (answer.ok) return answer.json()
  if (answer.status === 401) throw new Error("The session has ended. Copy your changes, and start pipe play again.")
  throw new Error((await answer.text()).trim())
}

// Places: lines and characters from 0, as the server counts them.
function offsetOf(place) {
  let at = 0
  for (let line = 0; line < place.line; line++) {
    const next = text.value.indexOf("\n", at)
    if (next < 0) return text.value.length
    at = next + 1
  }
  const end = text.value.indexOf("\n", at)
  return Math.min(at + place.character, end < 0 ? text.value.length : end)
}

function placeOf(offset) {
  const before = text.value.slice(0, offset)
  const line = before.split("\n").length - 1
  return {line, character: offset - before.lastIndexOf("\n") - 1}
}

const lineHeight = 20, padding = 8

function goTo(from, to) {
  text.focus()
  text.setSelectionRange(from, to)
  text.scrollTop = Math.max(0, placeOf(from).line * lineHeight - text.clientHeight / 3)
  text.scrollLeft = 0
}

// replace writes as typing does: it can be undone.
function replace(from, to, written) {
  text.focus()
  text.setSelectionRange(from, to)
  if (from === to && written === "") return
  const done = written === "" ? document.execCommand("delete") : document.execCommand("insertText", false, written)
  if (done) return
  text.setRangeText(written, from, to, "end")
  text.dispatchEvent(new Event("input"))
}

function apply(edits) {
  const all = edits.map(e => ({from: offsetOf(e.from), to: offsetOf(e.to), written: e.new}))
  all.sort((a, b) => b.from - a.from)
  for (const e of all) replace(e.from, e.to, e.written)
}

function showLines() {
  const marks = new Map()
  for (const p of problems) {
    if (p.place && marks.get(p.from.line) !== "✕") marks.set(p.from.line, p.warning ? "!" : "✕")
  }
  const n = text.value.split("\n").length
  const lines = []
  for (let i = 0; i < n; i++) lines.push((marks.get(i) ?? " ") + " " + String(i + 1).padStart(3))
  gutter.textContent = lines.join("\n")
  gutter.scrollTop = text.scrollTop
}

// The last question is the only one whose answer is shown.
let asked, waiting

function changed() {
  showLines()
  showSaved()
  clearTimeout(waiting)
  waiting = setTimeout(evaluate, 60)
}

async function evaluate() {
  asked?.abort()
  const mine = asked = new AbortController()
  const recorded = $("sample-from").value === "recorded"
  const file = recorded ? $("recorded").value.trim() : $("sample-from").value
  if (recorded && !file) return showOld("Name a recorded file.")
  const fields = {text: text.value, file, ref: $("record").value, as: $("search-as").value}
  try {
    const answer = await post("/evaluate", fields, mine.signal)
    if (mine !== asked) return
    show(answer)
    if (answer.problems?.length) {
      const fixes = await post("/fixes", {text: fields.text}, mine.signal)
      if (mine === asked) showFixes(fixes, fields.text)
    }
  } catch (e) {
    if (mine === asked && e.name !== "AbortError") showOld(e.message)
  }
}

function showOld(reason) {
  why.textContent = reason + (result.childElementCount ? " Below is the last result." : "")
  why.hidden = false
  result.classList.toggle("stale", result.childElementCount > 0)
}

function show(answer) {
  problems = answer.problems ?? []
  showProblems(answer.more)
  showLines()
  $("fixed").hidden = !answer.fixed
  for (const id of ["sample-from", "recorded", "record"]) $(id).disabled = answer.fixed
  if (answer.why) {
    showOld(answer.why)
    return
  }
  why.hidden = true
  result.classList.remove("stale")
  result.innerHTML = answer.html // made of escaped texts by the server
  fill($("record"), [], answer.refs ?? [], answer.ref || $("record").value)
  fill($("search-as"), [{value: "", text: "no one in particular"}], answer.people ?? [], $("search-as").value)
}

function fill(select, first, options, value) {
  if (value && !options.some(o => o.value === value)) first = [...first, {value, text: value + " (not in the sample)"}]
  const all = [...first, ...options]
  const key = JSON.stringify(all)
  if (select.dataset.key !== key) {
    select.dataset.key = key
    select.replaceChildren(...all.map(o => new Option(o.text, o.value)))
  }
  select.value = value
}

function element(name, className, content) {
  const e = document.createElement(name)
  e.className = className
  if (name === "button") e.type = "button"
  e.textContent = content
  return e
}

function showProblems(more) {
  const errors = problems.filter(p => !p.warning).length, warnings = problems.length - errors
  const count = (n, word) => n + " " + word + (n === 1 ? "" : "s")
  const parts = []
  if (errors) parts.push(count(errors, "error"))
  if (warnings) parts.push(count(warnings, "warning"))
  $("problems-title").textContent = parts.join(", ") || "No problems"
  $("problems").replaceChildren(...problems.map((p, i) => {
    const li = element("li", p.warning ? "warning" : "error", "")
    if (p.place) {
      const place = element("button", "place", p.place)
      place.setAttribute("aria-label", "Go to " + p.place)
      place.addEventListener("click", () => goTo(offsetOf(p.from), offsetOf(p.to)))
      li.append(place, " ")
    }
    li.append(element("span", "kind", p.warning ? "Warning" : "Error"), " ", element("code", "", p.code), " ",
      element("span", "", p.message))
    if (p.hint) li.append(element("small", "", p.hint))
    li.append(element("span", "fixes", ""))
    return li
  }))
  if (more) $("problems").append(element("li", "", "and " + more + " more"))
}

// showFixes adds the fixes of a text. In another text their places are wrong, and the next answer replaces them.
function showFixes(fixes, of) {
  for (const f of fixes) {
    const button = element("button", "fix", f.title)
    button.addEventListener("click", () => { if (text.value === of) apply(f.edits) })
    $("problems").children[f.problem]?.querySelector(".fixes").append(button)
  }
}

// Saving: by the button or its key, never by typing.
function showSaved() {
  if (!$("save")) return
  const same = text.value === onDisk
  $("save").disabled = same
  $("saved").textContent = same ? "No changes" : "Not saved"
}

async function save() {
  if (!$("save") || $("save").disabled) return
  const written = text.value
  $("save").disabled = true
  try {
    hash = (await post("/save", {text: written, hash})).hash
    onDisk = written
    showSaved()
    if (text.value === written) $("saved").textContent = "Saved"
  } catch (e) {
    $("save").disabled = false
    $("saved").textContent = e.message
  }
}

$("save")?.addEventListener("click", save)
window.addEventListener("beforeunload", e => { if ($("save") && text.value !== onDisk) e.preventDefault() })

// Completion.
const popup = $("popup"), list = $("completions")
let completions = [], completed = "", chosen = 0, completing // completed is the text that they complete

function closeCompletions() {
  popup.hidden = true
  completions = []
  completing = undefined
  text.removeAttribute("aria-activedescendant")
}

async function complete() {
  const mine = completing = {}
  const at = placeOf(text.selectionStart), of = text.value
  let found
  try {
    found = await post("/complete", {text: of, line: at.line, character: at.character})
  } catch {
    return closeCompletions() // the result says what is wrong
  }
  if (mine !== completing) return
  if (found.length === 0) return closeCompletions()
  completions = found
  completed = of
  list.replaceChildren(...found.map((c, i) => {
    const li = element("li", "", "")
    li.id = "completion-" + i
    li.setAttribute("role", "option")
    li.append(element("span", "label", c.label), element("span", "info", c.detail))
    li.addEventListener("mousedown", e => { e.preventDefault(); choose(i); accept() })
    return li
  }))
  popup.hidden = false
  putPopup()
  choose(0)
}

// putPopup puts the completions next to the cursor.
function putPopup() {
  if (popup.hidden) return
  const at = placeOf(text.selectionStart), width = measured()
  popup.style.left = Math.max(0, Math.min(gutter.offsetWidth + padding + at.character * width - text.scrollLeft,
    popup.parentElement.clientWidth - popup.offsetWidth)) + "px"
  const top = padding + at.line * lineHeight - text.scrollTop
  const below = top + lineHeight
  popup.style.top = (below + popup.offsetHeight > text.clientHeight && top > popup.offsetHeight ? top - popup.offsetHeight : below) + "px"
}

window.addEventListener("resize", putPopup)

// measured returns the width of a character of the text.
function measured() {
  const context = document.createElement("canvas").getContext("2d")
  context.font = getComputedStyle(text).font
  return context.measureText("0".repeat(100)).width / 100
}

function choose(i) {
  list.children[chosen]?.removeAttribute("aria-selected")
  chosen = (i + completions.length) % completions.length
  const one = list.children[chosen]
  one.setAttribute("aria-selected", "true")
  one.scrollIntoView({block: "nearest"})
  text.setAttribute("aria-activedescendant", one.id)
  $("completion-doc").textContent = completions[chosen].doc
}

function accept() {
  const {edit} = completions[chosen]
  closeCompletions()
  if (text.value === completed) apply([edit])
}

text.addEventListener("keydown", e => {
  const plain = !e.ctrlKey && !e.metaKey && !e.altKey
  if (e.ctrlKey && e.key === " ") {
    e.preventDefault()
    complete()
  } else if (!popup.hidden && plain && ["ArrowDown", "ArrowUp", "Tab", "Escape"].includes(e.key)) {
    e.preventDefault()
    if (e.key === "ArrowDown") choose(chosen + 1)
    else if (e.key === "ArrowUp") choose(chosen - 1)
    else if (e.key === "Escape") closeCompletions()
    else accept()
  }
})
// Enter accepts a completion. Else the next line begins in the column of this one's key, deeper below a
// key without a value.
text.addEventListener("beforeinput", e => {
  if (e.inputType !== "insertLineBreak") return
  e.preventDefault()
  if (!popup.hidden) return accept()
  const line = text.value.slice(text.value.lastIndexOf("\n", text.selectionStart - 1) + 1, text.selectionStart)
  const indent = line.match(/^ *(- (?=[\w.-]+:( |$)))?/)[0].replace("-", " ") + (/(:|: [|>])\s*$/.test(line) ? "  " : "")
  replace(text.selectionStart, text.selectionEnd, "\n" + indent)
})
document.addEventListener("keydown", e => {
  if ((e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && e.key === "s") {
    e.preventDefault()
    save()
  }
})
text.addEventListener("input", () => {
  changed()
  if (!popup.hidden) complete()
})
text.addEventListener("click", closeCompletions)
text.addEventListener("blur", closeCompletions)
text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop })

// The sample.
$("sample-from").addEventListener("change", () => {
  $("recorded-field").hidden = $("sample-from").value !== "recorded"
  $("record").replaceChildren()
  delete $("record").dataset.key
  evaluate()
})
$("recorded").addEventListener("input", changed)
$("record").addEventListener("change", evaluate)
$("search-as").addEventListener("change", evaluate)
$("sample").addEventListener("submit", e => e.preventDefault())
result.addEventListener("click", e => {
  const line = e.target.closest("[data-line]")?.dataset.line
  if (!line) return
  const from = offsetOf({line: line - 1, character: 0})
  const end = text.value.indexOf("\n", from)
  goTo(from, end < 0 ? text.value.length : end)
})

showLines()
showSaved()
evaluate()
