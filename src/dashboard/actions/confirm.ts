import type { Context } from 'koa';
import type { Tenant } from '../../tenant/Tenant.ts';
import { formToken } from '../FormToken.ts';
import { isFromHere } from '../isFromHere.ts';
import { confirmPage, NAME_FIELD, TOKEN_FIELD } from '../pages/confirmPage.ts';
import { messagePage } from '../pages/messagePage.ts';
import type { Page, PageParts, Section } from '../pages/Page.ts';
import { offeredActions, tenantSubject } from '../pages/tenantPage.ts';
import { readForm } from '../readForm.ts';
import type { ActionWords, Begun, DoneBy } from './Action.ts';
import type { ActionSubject } from './ActionLog.ts';
import type { Performer } from './Performer.ts';
import { runActions } from './runActions.ts';

/** An action that is offered now, and what it is done to. */
interface Offered {
  readonly action: ActionWords;
  readonly of: ActionSubject;
  readonly section: Section;
  readonly subject: string;
  readonly what: 'tenant' | 'run';
  readonly cancelAt: string;
  readonly begin: (by: DoneBy) => Promise<Begun>;
}

const NOT_OFFERED = messagePage(
  409,
  'Not possible now',
  'This cannot be done as things are now, or not from here. Nothing was changed.',
);

/** The page before an action (GET), and the action (POST). Gives the path to go to, or the page that says why not. */
export async function confirm<T extends Tenant>(
  ctx: Context,
  parts: PageParts<T>,
  performer: Performer<T>,
  [kind, id, name]: readonly [string, string, string],
): Promise<Page | { readonly at: string }> {
  const offered = kind === 'tenants' ? await tenantOffer(parts, id, name) : await runOffer(parts, id, name);
  if (offered === undefined) {
    return NOT_OFFERED;
  }
  const path = `/${kind}/${id}/${name}`;
  const question = () => ({ ...offered, token: formToken.for(ctx, path) });
  if (ctx.method !== 'POST') {
    return confirmPage(question());
  }
  const form = await readForm(ctx);
  if (!isFromHere(ctx) || !formToken.isValid(ctx, path, form.get(TOKEN_FIELD))) {
    return messagePage(403, 'Not accepted', 'This form is not of this page, or too old. Open it again.');
  }
  const typed = form.get(NAME_FIELD)?.trim() ?? '';
  if (offered.action.isDestructive === true && typed !== offered.subject) {
    return confirmPage({ ...question(), wrongName: typed });
  }
  return { at: await performer.perform(ctx, offered.of, offered.begin) };
}

async function tenantOffer<T extends Tenant>(
  parts: PageParts<T>,
  id: string,
  name: string,
): Promise<Offered | undefined> {
  const offered = offeredActions(parts, await tenantSubject(parts, id));
  const action = offered.find((one) => one.name === name);
  return (
    action && {
      ...{ action, section: 'tenants', subject: id, what: 'tenant', cancelAt: parts.links.tenant(id) },
      of: { action: action.name, tenantId: id, runId: undefined },
      begin: (by) => action.begin(parts.manager, id, by),
    }
  );
}

async function runOffer<T extends Tenant>(
  { manager, options, links }: PageParts<T>,
  id: string,
  name: string,
): Promise<Offered | undefined> {
  const report = await manager.fleet.report(id, { limit: 0 });
  const action = runActions(options.actions).find((one) => one.name === name && one.suits(report));
  return (
    action && {
      ...{ action, section: 'runs', subject: id, what: 'run', cancelAt: links.run(id) },
      of: { action: action.name, tenantId: undefined, runId: id },
      begin: () => action.begin(manager, id),
    }
  );
}
