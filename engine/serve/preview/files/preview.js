"use strict"
// The names of people for the field of the person, as the server finds them.
const field = document.querySelector("[data-people]")
if (field) {
  const list = document.getElementById("people")
  let waiting
  field.addEventListener("input", () => {
    clearTimeout(waiting)
    waiting = setTimeout(async () => {
      const text = field.value
      try {
        const answer = await fetch(field.dataset.people + "?q=" + encodeURIComponent(text))
        if (!answer.ok || field.value !== text) return
        list.replaceChildren(...(await answer.json()).map(name => {
          const option = document.createElement("option")
          option.value = name
          return option
        }))
      } catch { /* the field works without names */ }
    }, 120)
  })
}
