/** Colours have a contrast of at least 4.5 to 1 in both schemes. Nothing moves. */
export const STYLE_TEXT = `
:root {
  color-scheme: light dark;
  --text: #1b1f24; --quiet: #59636e; --ground: #ffffff; --raised: #f4f6f8; --line: #c8ced6; --link: #0b57d0;
  --good: #116329; --good-ground: #dafbe1; --busy: #0a3f9c; --busy-ground: #ddebff;
  --doubtful: #6b4400; --doubtful-ground: #fff1c9; --bad: #a1130d; --bad-ground: #ffe3e0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6e9ee; --quiet: #a5b0bd; --ground: #14171c; --raised: #1e232a; --line: #454d58; --link: #8ab4f8;
    --good: #7ee2a0; --good-ground: #0f3320; --busy: #a8c7fa; --busy-ground: #12305f;
    --doubtful: #f4cf7a; --doubtful-ground: #3d2f07; --bad: #ffa199; --bad-ground: #4b1512;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 1rem; padding: 0.5rem 1rem; background: var(--ground); z-index: 1; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
header, main, footer { padding: 0 1.5rem; max-width: 90rem; margin: 0 auto; }
header { display: flex; flex-wrap: wrap; gap: 0.25rem 2rem; align-items: center; border-bottom: 1px solid var(--line); }
.title { font-weight: 600; margin: 0.75rem 0; }
nav ul, .actions { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; list-style: none; margin: 0; padding: 0; }
nav a { display: inline-block; padding: 0.5rem 0.25rem; }
nav a[aria-current] { color: var(--text); font-weight: 600; text-decoration: none; border-bottom: 3px solid var(--link); }
footer { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; margin-top: 2rem; padding-bottom: 2rem; color: var(--quiet); }
h1 { font-size: 1.5rem; margin: 1.25rem 0 0.75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 1.75rem 0 0.5rem; }
.scroll { overflow-x: auto; margin: 1.25rem 0; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: 0.5rem 0.75rem; background: var(--raised); }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.75rem; border-top: 1px solid var(--line); font-variant-numeric: tabular-nums; }
thead th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 400; }
tbody tr:hover { background: var(--raised); }
dl { display: flex; flex-wrap: wrap; gap: 0.75rem 2rem; margin: 0.75rem 0; }
dt { color: var(--quiet); font-size: 0.875rem; }
td { min-width: 4rem; }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.badge { display: inline-block; padding: 0 0.5rem; border: 1px solid currentcolor; border-radius: 1rem; font-size: 0.875rem; white-space: nowrap; }
.badge.good { color: var(--good); background: var(--good-ground); }
.badge.busy { color: var(--busy); background: var(--busy-ground); }
.badge.doubtful { color: var(--doubtful); background: var(--doubtful-ground); }
.badge.bad { color: var(--bad); background: var(--bad-ground); }
.badge.quiet { background: var(--raised); }
.quiet { color: var(--quiet); }
.empty { color: var(--quiet); margin: 1.25rem 0; }
.error { color: var(--bad); overflow-wrap: anywhere; }
.done-note, .notice { padding: 0.75rem 1rem; border-left: 4px solid var(--link); background: var(--raised); }
.steps { margin: 0; padding-left: 1.25rem; min-width: 12rem; }
.steps [aria-current] { font-weight: 600; }
.search { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: end; }
label { display: block; }
input, select, button, .button { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--quiet); border-radius: 6px; padding: 0.4rem 0.75rem; }
input { width: min(24rem, 100%); }
button, .button { display: inline-block; background: var(--raised); text-decoration: none; cursor: pointer; }
.button[hidden] { display: none; }
.button.primary { background: var(--link); border-color: var(--link); color: var(--ground); }
.button.danger { color: var(--bad); border-color: var(--bad); }
progress { width: 10rem; height: 0.75rem; vertical-align: middle; accent-color: var(--link); }
`;
