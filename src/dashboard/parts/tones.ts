import type { FleetItemState, FleetRun } from '../../migrations/fleet/FleetRun.ts';
import type { TenantStatusReport } from '../../migrations/status/FleetStatus.ts';
import type { Operation } from '../../provisioning/operations/Operation.ts';
import { statusOf, type Tenant, type TenantStatus } from '../../tenant/Tenant.ts';
import { type Html, html } from '../html.ts';
import { badge, type Tone } from './elements.ts';

const OF_STATUS: Readonly<Record<TenantStatus, Tone>> = {
  active: 'good',
  readonly: 'doubtful',
  maintenance: 'doubtful',
  suspended: 'doubtful',
  provisioning: 'busy',
  dropping: 'busy',
  archived: 'quiet',
  failed: 'bad',
};

export const statusBadge = (tenant: Tenant): Html => badge(statusOf(tenant), OF_STATUS[statusOf(tenant)] ?? 'quiet');

/** Where a tenant's schema stands, in a word. */
export function versionBadge(report: TenantStatusReport | undefined): Html {
  switch (report?.state) {
    case undefined:
      return html`<span class="quiet">not known</span>`;
    case 'current':
      return badge('current', 'good');
    case 'behind':
      return badge(`behind by ${report.behindBy}`, 'doubtful');
    case 'ahead':
      return badge(`ahead by ${report.ahead.length}`, 'doubtful');
    case 'failed':
      return badge('no answer', 'bad');
  }
}

const OF_OPERATION: Readonly<Record<Operation['state'], Tone>> = {
  running: 'busy',
  done: 'good',
  failed: 'bad',
  undone: 'quiet',
};

export const operationBadge = ({ state, isUndoing }: Operation): Html =>
  badge(state === 'running' && isUndoing ? 'being taken back' : state, OF_OPERATION[state]);

const OF_RUN: Readonly<Record<FleetRun['state'], Tone>> = { running: 'busy', stopped: 'doubtful', finished: 'good' };

export const runBadge = ({ state }: Pick<FleetRun, 'state'>): Html => badge(state, OF_RUN[state]);

const OF_ITEM: Readonly<Record<FleetItemState, Tone>> = {
  pending: 'quiet',
  running: 'busy',
  done: 'good',
  unchanged: 'good',
  failed: 'bad',
};

export const itemBadge = (state: FleetItemState): Html => badge(state, OF_ITEM[state]);
