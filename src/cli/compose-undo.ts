import type { HistoryReport, UndoReport } from '../core/model/changes-report.ts';
import { applyChange } from '../node/apply/apply-change.ts';
import { readHistory } from '../node/apply/history.ts';
import { chooseChange, prepareUndo } from '../node/apply/prepare-undo.ts';
import { createLocalHost } from '../node/hosts/local.ts';
import { redactDeep } from '../node/redact/redact.ts';
import { changeAlone, headOf, type ChangeRequest } from './change-request.ts';

/** Takes a change back. */
export async function undoLocal(request: ChangeRequest & { readonly id: string | undefined }): Promise<UndoReport> {
  const startedAt = new Date().toISOString();
  const host = createLocalHost();
  return changeAlone(request, async signal => {
    const past = chooseChange(request.state, request.id);
    const prepared = await prepareUndo(host, request.state, past, request.version);
    const result =
      'outcome' in prepared ? prepared : await applyChange({ host, state: request.state, onStep: stage => request.onProgress(stage), signal }, prepared);
    return redactDeep<UndoReport>({
      ...headOf(request, startedAt),
      command: 'undo',
      id: past.id,
      summary: past.record?.plan.summary ?? '',
      files: past.record?.files.map(({ path }) => path) ?? [],
      result,
    });
  });
}

/** What badhop has changed on this host. */
export function listChanges(request: Pick<ChangeRequest, 'version' | 'state'>): HistoryReport {
  const startedAt = new Date().toISOString();
  const changes = readHistory(request.state).map(({ id, result, record, text, endedAt }) => ({
    id,
    result,
    ...(record === undefined
      ? {}
      : {
          kind: record.kind,
          ...(record.undoes === undefined ? {} : { undoes: record.undoes }),
          at: record.at,
          who: record.who,
          plan: record.plan.id,
          summary: record.plan.summary,
          ...(record.plan.fault === undefined ? {} : { fault: record.plan.fault }),
        }),
    ...(endedAt === undefined ? {} : { endedAt }),
    files: record?.files.map(({ path }) => path) ?? [],
    commands: record?.commands.map(({ argv }) => argv) ?? [],
    text,
  }));
  return redactDeep<HistoryReport>({ ...headOf(request, startedAt), command: 'history', changes });
}
