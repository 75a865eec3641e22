// Questions to the service, and its errors in plain words.

export class ServiceError extends Error {}

const SILENT = "The service does not answer. Is it still running? Start it again, then press Try again.";

export async function load(address) {
  return answerOf(() => fetch(address));
}

export async function ask(address, question, signal) {
  const headers = { "Content-Type": "application/json" };
  return answerOf(() => fetch(address, { method: "POST", headers, body: JSON.stringify(question), signal }));
}

async function answerOf(send) {
  let response;
  try {
    response = await send();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(SILENT);
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw new ServiceError(complaint(body, response.status));
}

function complaint(body, status) {
  const told = body?.error ?? body?.detail ?? body?.message;
  if (typeof told === "string") return sentence(told);
  if (typeof told?.message === "string") return sentence(told.message);
  if (Array.isArray(told) && told[0]?.msg) return sentence(told[0].msg);
  return status >= 500
    ? `The service could not answer (status ${status}). What it printed says why.`
    : `The service did not take the question (status ${status}).`;
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
