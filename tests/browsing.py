"""A real browser for tests: whether there is one, and which texts of a page can't be read in it."""

from __future__ import annotations

import os
import shutil

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
IN_A_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; name it in CHROMIUM"),
]


# The contrast of each visible text in some elements with what lies behind it, by the WCAG formula.
CONTRASTS = """
selector => {
  const parse = color => [...color.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const over = (top, under) => [0, 1, 2].map(i => top[3] * top[i] + (1 - top[3]) * under[i]);
  const behind = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const found = [];
  for (const element of document.querySelectorAll(selector)) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest('.katex, mjx-container')) continue;
    const back = behind(element), ink = over(parse(getComputedStyle(element).color), back);
    const [a, b] = [light(ink), light(back)].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), element.textContent.trim().slice(0, 60)]);
  }
  return found;
}
"""


def unreadable(page, selector: str) -> list[tuple[float, str]]:
    """Return the texts in the selected elements with less than 4.5 : 1 between ink and paper."""
    contrasts = page.evaluate(CONTRASTS, selector)
    assert len(contrasts) > 30, "hardly any text was found"
    return [(round(ratio, 2), text) for ratio, text in contrasts if ratio < 4.5]
