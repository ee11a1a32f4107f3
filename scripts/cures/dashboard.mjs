import { cure, edit } from './cure.mjs';

const one = (name, file, from, to, ...tests) =>
  cure('–', name, edit(`dashboard/${file}`, from, to), ...tests.map((test) => `integration/dashboard/${test}`));

/** Who gets at the pages for operators, and by which forms. */
export const dashboardCures = [
  one(
    '`authorize` of the dashboard decides',
    'dashboard.ts',
    'if ((await checked.authorize(ctx)) !== true) {',
    'if (false) {',
    'access',
  ),
  one(
    'nothing but true of `authorize` opens the dashboard',
    'dashboard.ts',
    'if ((await checked.authorize(ctx)) !== true) {',
    'if (!(await checked.authorize(ctx))) {',
    'access',
  ),
  one(
    'whoever may not know of the dashboard sees no header of it',
    'dashboard.ts',
    'if ((await checked.authorize(ctx)) !== true) {',
    'ctx.set(SECURITY_HEADERS);\n    if ((await checked.authorize(ctx)) !== true) {',
    'access',
  ),
  one('a form comes from the same origin', 'actions/confirm.ts', '!isFromHere(ctx) || ', '', 'access'),
  one(
    'a page of another subdomain is no page of here',
    'isFromHere.ts',
    "return site === 'same-origin';",
    "return site !== 'cross-site';",
    'access',
  ),
  one(
    'an origin is compared',
    'isFromHere.ts',
    'URL.canParse(origin) && new URL(origin).host === ctx.host',
    'URL.canParse(origin)',
    'access',
  ),
  one(
    'a form has a token',
    'actions/confirm.ts',
    ' || !formToken.isValid(ctx, path, form.get(TOKEN_FIELD))',
    '',
    'access',
  ),
  one('a token is of a browser', 'FormToken.ts', "createHmac('sha256', secret)", "createHmac('sha256', '')", 'access'),
  one('a token is good for one form', 'FormToken.ts', '.update(path)', ".update('')", 'access'),
  one('a subdomain cannot set the secret of forms', 'FormToken.ts', /__Host-\$\{NAME\}/, 'tenancy-dashboard', 'access'),
  one('no script reads the secret of forms', 'FormToken.ts', 'httpOnly: true', 'httpOnly: false', 'access'),
  one('nothing is changed by GET', 'actions/confirm.ts', "if (ctx.method !== 'POST') {", 'if (false) {', 'access'),
  one(
    'the name is typed before something is destroyed',
    'actions/confirm.ts',
    'offered.action.isDestructive === true && typed !== offered.subject',
    'false',
    'actions',
  ),
  cure(
    '–',
    'an action that the application does not allow',
    [
      edit('dashboard/dashboard.ts', 'parts.options.actions.some((one) => one === name)', 'true'),
      edit('dashboard/pages/tenantPage.ts', 'options.actions.includes(name) && ', ''),
    ],
    'integration/dashboard/actions',
  ),
  one(
    'nothing is dropped where the application does not say so',
    'DashboardOptions.ts',
    "ACTION_NAMES.filter((name) => name !== 'drop')",
    'ACTION_NAMES',
    'actions',
  ),
  one(
    'nothing is begun where nobody can write it down',
    'actions/Performer.ts',
    "await told('begun');",
    "void Promise.resolve(told('begun')).catch(() => {});",
    'actions',
  ),
  one('values are no HTML', 'html.ts', "ESCAPES[character] ?? ''", 'character', 'pages'),
  one('an address in a message is not shown', 'parts/shownError.ts', /message\.replace\(.*\)/, 'message', 'pages'),
  one('nobody else shows a page', 'sendPage.ts', `, "frame-ancestors 'none'"`, '', 'access'),
];
