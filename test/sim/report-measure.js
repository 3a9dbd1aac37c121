/** What report-browser.test.ts asks of a document; its text is put into a page, so it stands by itself. */
// biome-ignore lint/correctness/noUnusedVariables: the page calls it.
function measure(document) {
  const all = (selector) => [...document.querySelectorAll(selector)]
  const box = (one) => one.getBoundingClientRect()
  const words = (list) => list.map((one) => (one.textContent || one.outerHTML).slice(0, 60))
  const width = document.documentElement.clientWidth
  const drawn = all('svg.plot').filter((svg) => box(svg).height > 10 && box(svg).width > 10)
  const texts = drawn.flatMap((svg) => [...svg.querySelectorAll('text')])
  const outside = texts.filter((text) => {
    const [own, svg] = [box(text), box(text.ownerSVGElement ?? text)]
    return own.left < svg.left - 2 || own.right > svg.right + 2 || own.top < svg.top - 2 || own.bottom > svg.bottom + 2
  })
  const colliding = drawn.flatMap((svg) => {
    // The boxes of leaning names overlap where the names do not.
    const upright = [...svg.querySelectorAll('text:not([transform])')]
    const boxes = upright.map(box)
    return upright.filter((_, i) =>
      boxes.some((b, j) => {
        const a = boxes[i] ?? b
        return j > i && a.left < b.right - 2 && b.left < a.right - 2 && a.top < b.bottom - 4 && b.top < a.bottom - 4
      }),
    )
  })
  return {
    width,
    scroll: document.documentElement.scrollWidth,
    svgs: all('svg.plot').length,
    drawn: drawn.length,
    sections: all('section').map(({ id }) => id),
    cells: all('svg.plot rect').length,
    lines: all('svg.plot path.line').length,
    small: words(texts.filter((text) => box(text).height < 10)),
    outside: words(outside),
    overflowing: words(
      all('body, body *').filter((one) => one.closest('.scroll, .defs, svg') === null && box(one).right > width + 1),
    ),
    colliding: words(colliding),
  }
}
