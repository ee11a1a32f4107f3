/**
 * What runs in the browser: the parts of the page that are marked as live are renewed by what the same page is by now. It
 * changes what differs and leaves the rest, so that the focus, a selection and a screen reader's place stay.
 */
export const SCRIPT_TEXT = `(() => {
  'use strict';
  const interval = Number(document.currentScript.dataset.interval);
  const regions = [...document.querySelectorAll('[data-live]')];
  if (regions.length === 0 || !document.getElementById('renewed')) return;
  const renewed = document.getElementById('renewed');
  const pause = document.getElementById('pause');
  const announcer = document.getElementById('announcer');
  const QUIET_MS = 10000;
  let isPaused = sessionStorage.getItem('tenancy-dashboard-paused') === 'yes';
  let isUnderWay = false;
  let timer;
  let said = wordsOf(document);
  let saidAt = -QUIET_MS;

  function wordsOf(page) {
    return [...page.querySelectorAll('[data-announce]')].map((one) => one.textContent.trim()).join(' ');
  }

  function morph(from, to) {
    if (from.isEqualNode(to)) return;
    if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
      from.replaceWith(to);
      return;
    }
    if (from.nodeType !== Node.ELEMENT_NODE) {
      from.nodeValue = to.nodeValue;
      return;
    }
    for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
    for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    const before = [...from.childNodes];
    const after = [...to.childNodes];
    after.forEach((child, index) => (before[index] ? morph(before[index], child) : from.append(child)));
    before.slice(after.length).forEach((child) => child.remove());
  }

  function announce() {
    const says = wordsOf(document);
    if (says === said || performance.now() - saidAt < QUIET_MS) return;
    said = says;
    saidAt = performance.now();
    announcer.textContent = says;
  }

  async function renew() {
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      const response = await fetch(location.href, {
        cache: 'no-store', redirect: 'error', headers: { accept: 'text/html' }, signal: AbortSignal.timeout(30000),
      });
      if (!response.ok) throw new Error(response.status);
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      for (const region of regions) {
        const next = page.getElementById(region.id);
        if (next) morph(region, next);
      }
      announce();
      renewed.textContent = 'Renewed at ' + new Date().toLocaleTimeString() + '.';
      renewed.classList.remove('error');
    } catch {
      renewed.textContent = 'Could not be renewed at ' + new Date().toLocaleTimeString() + '. It is tried again.';
      renewed.classList.add('error');
    } finally {
      isUnderWay = false;
      schedule();
    }
  }

  function schedule() {
    clearTimeout(timer);
    if (!isPaused && !document.hidden) timer = setTimeout(renew, interval);
  }

  function show() {
    pause.textContent = isPaused ? 'Renew again' : 'Pause renewal';
    if (isPaused) renewed.textContent = 'Not renewed any more.';
    else renewed.textContent = 'Renewed every ' + interval / 1000 + ' s.';
  }

  pause.hidden = false;
  pause.addEventListener('click', () => {
    isPaused = !isPaused;
    sessionStorage.setItem('tenancy-dashboard-paused', isPaused ? 'yes' : 'no');
    if (isPaused) clearTimeout(timer);
    else void renew();
    show();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) clearTimeout(timer);
    else if (!isPaused) void renew();
  });
  show();
  schedule();
})();
`;
