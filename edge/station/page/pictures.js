// Which pictures belong to which event, whichever of the two arrives first.

const sets = new Map(); // name of the event -> {frames, why, row}

/** What {unit, epoch, seq} is called; unlike its n, this is the same in every ledger. */
export const nameOf = ({ unit, epoch, seq }) => `${unit}/${epoch}/${seq}`;

/** An event's pictures: `frames` in the order taken, `why` some are missing, its `row` once that is here. */
export function picturesOf(event) {
  const name = nameOf(event);
  if (!sets.has(name)) sets.set(name, { frames: [], why: "", row: null });
  return sets.get(name);
}

/** Lay a picture to its event's; returns those, or null where it was among them already. */
export function addPicture(picture) {
  const belonging = picturesOf({ unit: picture.unit, epoch: picture.epoch, seq: picture.event });
  if (belonging.frames.some(({ name }) => name === picture.name)) return null;
  belonging.frames.push(picture);
  belonging.frames.sort((a, b) => (a.time ?? "").localeCompare(b.time ?? ""));
  return belonging;
}

export function forgetPictures(event) {
  sets.delete(nameOf(event));
}

export function forgetAllPictures() {
  sets.clear();
}
