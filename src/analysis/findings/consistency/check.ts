import type { Evidence, Quantity } from '../../schema.ts';

/** What was compared with what, and how it came out. */
export interface Check {
  /** Sections of the texts: an explanation that the sentence names, or a difference that none covers. Absent: they agree. */
  explained?: string;
  unexplained?: string;
  values?: Record<string, Quantity | undefined>;
  /** What of the evidence it is that agrees or differs. */
  about?: Pick<Evidence, 'what' | 'file'>;
  evidence: Evidence[];
}
