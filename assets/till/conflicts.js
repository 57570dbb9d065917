// Sales made without a network that the books refused: a person settles them one by one, and nothing is dropped.
import { NoAnswer, Refused, get, post } from './api.js';
import { t } from './i18n.js';
import * as journal from './journal.js';
import { change, state } from './store.js';

/** Loads the list of the service. Rows of this device that are on it, or settled, leave the journal. */
export async function refreshConflicts() {
  try {
    const answer = await get('/till/conflicts');
    change({ conflicts: answer.items ?? answer });
  } catch (error) {
    if (!(error instanceof NoAnswer || error instanceof Refused)) throw error;
  }
}

/** Settles: without_redemption, without_guest, dismiss. Gives the problem in words, or null. */
export async function settle(conflict, action, note) {
  try {
    await post(`/till/conflicts/${conflict.id}/settle`, { action, note: note ?? '' });
    const key = conflict.receipt?.external_id;
    const row = state.waiting.refused.find((r) => r.key === key);
    if (row) await journal.settle(row);
    await refreshConflicts();
    return null;
  } catch (error) {
    return error instanceof NoAnswer ? t('net.no-answer') : error.message;
  }
}
