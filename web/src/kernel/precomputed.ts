// Answers computed beforehand for the default model: shown at once, until the live one replaces them.
interface Precomputed {
  answers: Record<string, unknown>;
  /** A request as the page makes it → with its defaults filled in. */
  same: Record<string, string>;
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    part && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

let known: Promise<Precomputed> | null = null;

const load = async (): Promise<Precomputed> => {
  const response = await fetch("/static/precomputed.json", { credentials: "same-origin" });
  if (!response.ok) return { answers: {}, same: {} };
  return (await response.json()) as Precomputed;
};

export async function precomputed(computation: string, ask: object): Promise<unknown> {
  try {
    known ??= load();
    const { answers, same } = await known;
    const key = `${computation} ${canonical(ask)}`;
    return answers[same[key] ?? key] ?? null;
  } catch {
    return null;
  }
}
