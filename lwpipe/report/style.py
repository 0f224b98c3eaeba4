"""The style sheet of the report page."""

CSS = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #1a1a1a;
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main, header, footer { max-width: 70rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 .5rem; }
section { padding: 2rem 0 1rem; border-top: 1px solid #ddd; margin-top: 1.5rem; }
section > p { max-width: 46rem; margin: 0 0 1rem; }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: .35rem 1.2rem; }
a { color: #0060a0; text-underline-offset: .15em; }
a:focus-visible, .scroll:focus-visible { outline: 2px solid #0060a0; outline-offset: 2px; }
figure { margin: 1.25rem 0; }
figure img, figure video { display: block; max-width: 100%; height: auto; }
figcaption, caption { color: #555; font-size: .9rem; text-align: left; margin-top: .4rem; }
caption { caption-side: top; padding-bottom: .35rem; color: #333; }
.small { display: flex; flex-wrap: wrap; gap: 0 1.25rem; }
.small figure { max-width: 100%; }
.scroll { overflow-x: auto; margin: 1.25rem 0; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums;
  border-top: 2px solid #333; border-bottom: 2px solid #333; }
th, td { padding: .3rem .7rem; text-align: left; white-space: nowrap; vertical-align: top; }
thead th { border-bottom: 1px solid #333; }
tbody tr + tr > * { border-top: 1px solid #eee; }
.wide { margin: 0; }
.number { text-align: right; }
.facts th { font-weight: 600; } .facts td { white-space: normal; overflow-wrap: anywhere; }
footer { color: #555; font-size: .85rem; padding-top: 1rem; padding-bottom: 3rem; }
@media (max-width: 40rem) { body { font-size: 15px; } h1 { font-size: 1.5rem; }
  .wide img { max-width: none; width: 46rem; }
  main, header, footer { padding-left: .9rem; padding-right: .9rem; } }
@media print { nav { display: none; } figure, table { break-inside: avoid; } }
""".strip()
