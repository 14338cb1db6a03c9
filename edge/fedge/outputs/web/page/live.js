// Reads an MJPEG stream part by part, so that the page knows when it ends, which an <img> does not say.

const encoder = new TextEncoder();
const HEAD_END = encoder.encode("\r\n\r\n");

export async function readPictures(url, signal, show) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(response.status === 503 ? "too many are watching" : `error ${response.status}`);
  const reader = response.body.getReader();
  let buffer = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    buffer = joined(buffer, value);
    for (let part = firstPart(buffer); part; part = firstPart(buffer)) {
      buffer = buffer.subarray(part.end);
      // An older picture of the same chunk is not worth decoding.
      if (!firstPart(buffer)) show(await createImageBitmap(new Blob([part.jpeg], { type: "image/jpeg" })));
    }
  }
}

function firstPart(buffer) {
  const head = indexOf(buffer, HEAD_END);
  if (head < 0) return null;
  const length = /content-length: *(\d+)/i.exec(new TextDecoder().decode(buffer.subarray(0, head)));
  if (!length) throw new Error("a part without a length");
  const start = head + HEAD_END.length, end = start + Number(length[1]);
  return end + 2 <= buffer.length ? { jpeg: buffer.subarray(start, end), end: end + 2 } : null;
}

function indexOf(buffer, wanted) {
  for (let i = 0; i + wanted.length <= buffer.length; i++) {
    if (wanted.every((byte, k) => buffer[i + k] === byte)) return i;
  }
  return -1;
}

function joined(first, second) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
