/** How tiles share a stage: pure arithmetic. */

const WIDEST = 16 / 9; // a tile is never wider than this...
const NARROWEST = 4 / 3; // ...nor narrower than this,
const NARROWEST_UPRIGHT = 4 / 5; // or this on a stage that is higher than wide
const SMALLEST = 150; // pixels: tiles narrower than this are no use, the stage scrolls instead

/** The largest tiles of which `count` fit on a stage: {width, height} in pixels. */
export function largestTiles(count, { width, height, gap }) {
  const narrowest = height > width ? NARROWEST_UPRIGHT : NARROWEST;
  let best = { width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const cell = {
      width: share(width, columns, gap),
      height: share(height, Math.ceil(count / columns), gap),
    };
    const tile = fit(cell, narrowest);
    if (tile.width * tile.height > best.width * best.height) best = tile;
  }
  return best.width >= SMALLEST ? best : smallestTiles(width, gap);
}

function share(length, parts, gap) {
  return (length - gap * (parts - 1)) / parts;
}

function fit({ width, height }, narrowest) {
  return {
    width: Math.floor(Math.min(width, height * WIDEST)),
    height: Math.floor(Math.min(height, width / narrowest)),
  };
}

function smallestTiles(width, gap) {
  const columns = Math.max(1, Math.floor((width + gap) / (SMALLEST + gap)));
  const tile = Math.floor(share(width, columns, gap));
  return { width: tile, height: Math.floor(tile / NARROWEST) };
}
