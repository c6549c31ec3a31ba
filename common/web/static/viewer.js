// The pages' one door to NiiVue; another viewer would have to offer the same functions.
import { Niivue, SLICE_TYPE } from "/niivue.js";

const OPTIONS = {
  backColor: [0, 0, 0, 1],
  crosshairColor: [0.3, 0.79, 0.94, 0.6],
  dragAndDropEnabled: false,
  isColorbar: false,
  isRadiologicalConvention: true,
  loadingText: "",
  sagittalNoseLeft: true,
  show3Dcrosshair: false,
};
// left, top, width, height as shares of the canvas
const WIDE = [
  { sliceType: SLICE_TYPE.AXIAL, position: [0, 0, 0.58, 1] },
  { sliceType: SLICE_TYPE.CORONAL, position: [0.58, 0, 0.42, 0.5] },
  { sliceType: SLICE_TYPE.SAGITTAL, position: [0.58, 0.5, 0.42, 0.5] },
];
const TALL = [
  { sliceType: SLICE_TYPE.AXIAL, position: [0, 0, 1, 0.55] },
  { sliceType: SLICE_TYPE.CORONAL, position: [0, 0.55, 0.5, 0.45] },
  { sliceType: SLICE_TYPE.SAGITTAL, position: [0.5, 0.55, 0.5, 0.45] },
];
const AXIS = { axial: 2, coronal: 1, sagittal: 0 };

// layout: "scroll" shows three planes, anything else all axial slices side by side
// labels: {"1": "tumour", …}; colours: ["#rrggbb", …] of label 1, 2, …
export async function createViewer(canvas, { layout, labels, colours }) {
  const nv = new Niivue(OPTIONS);
  await nv.attachToCanvas(canvas);
  let ct, overlay, size;

  return {
    // addresses of image and mask, which may be missing; range: [low, high] in HU
    async load({ image, mask, range }) {
      const files = [{ url: image, name: "image.nii", colormap: "gray", cal_min: range[0], cal_max: range[1] }];
      if (mask) files.push({ url: mask, name: "mask.nii", cal_min: 0, cal_max: Math.max(...Object.keys(labels)) });
      await nv.loadVolumes(files);
      [ct, overlay] = nv.volumes;
      overlay?.setColormapLabel(colourTable(labels, colours));
      nv.updateGLVolume();
      size = ct.dimsRAS.slice(1, 4);
      const pixel = size[0] / (0.42 * canvas.clientWidth); // in voxels, in the smaller tiles
      [nv.opts.crosshairWidth, nv.opts.crosshairGap] = [1.2 * pixel, size[0] / 10]; // thin, whatever the volume
      if (layout === "scroll") nv.setCustomLayout(canvas.clientHeight > canvas.clientWidth ? TALL : WIDE);
      else showAll(nv, canvas, ct, size);
    },
    setWindow(low, high) {
      [ct.cal_min, ct.cal_max] = [low, high];
      nv.updateGLVolume();
    },
    setMask(visible) {
      if (overlay) nv.setOpacity(1, visible ? 0.5 : 0);
    },
    scroll(plane, steps) {
      const by = [0, 0, 0];
      by[AXIS[plane]] = steps;
      nv.moveCrosshairInVox(...by);
    },
    zoom(factor) {
      const [x, y, z, before] = nv.scene.pan2Dxyzmm;
      const after = Math.min(8, Math.max(1, before * factor));
      const [right, front, up] = nv.frac2mm(nv.scene.crosshairPos); // stays where it is on the screen
      const by = before - after;
      nv.setPan2Dxyzmm(after > 1 ? [x + by * right, y + by * front, z + by * up, after] : [0, 0, 0, 1]);
    },
    goToMask() {
      this.goTo(overlay ? fullestSlices(overlay.img, size).map((slice, axis) => (slice + 0.5) / size[axis]) : [0.5, 0.5, 0.5]);
    },
    // place: shares of the volume along its three axes
    goTo(place) {
      place.forEach((share, axis) => {
        nv.scene.crosshairPos[axis] = share;
      });
      nv.drawScene();
    },
    place() {
      return [...nv.scene.crosshairPos];
    },
    onMove(call) {
      nv.onLocationChange = call;
    },
    slice(plane) {
      const axis = AXIS[plane];
      return [Math.min(size[axis], Math.floor(nv.scene.crosshairPos[axis] * size[axis]) + 1), size[axis]];
    },
  };
}

function colourTable(labels, colours) {
  const table = { R: [0], G: [0], B: [0], A: [0], I: [0], labels: [""] };
  for (const value of Object.keys(labels).map(Number).filter((value) => value > 0)) {
    const colour = colours[(value - 1) % colours.length];
    table.R.push(parseInt(colour.slice(1, 3), 16));
    table.G.push(parseInt(colour.slice(3, 5), 16));
    table.B.push(parseInt(colour.slice(5, 7), 16));
    table.A.push(255);
    table.I.push(value);
    table.labels.push("");
  }
  return table;
}

// All slices from the head down, in as many columns as make them largest.
function showAll(nv, canvas, ct, [width, height, depth]) {
  const tile = (columns) =>
    Math.min(canvas.clientWidth / columns / width, canvas.clientHeight / Math.ceil(depth / columns) / height);
  const counts = Array.from({ length: depth }, (_, place) => place + 1);
  const columns = counts.reduce((best, count) => (tile(count) > tile(best) ? count : best));
  const positions = counts.map((count) => ct.vox2mm([0, 0, depth - count], ct.matRAS)[2].toFixed(3));
  const rows = [];
  for (let first = 0; first < depth; first += columns) rows.push(positions.slice(first, first + columns).join(" "));
  nv.opts.crosshairWidth = 0;
  nv.opts.centerMosaic = true;
  nv.setSliceMosaicString(`A ${rows.join("; ")}`);
}

// Along each axis the slice with most of the mask; the middle one where there is no mask.
function fullestSlices(mask, size) {
  const counts = size.map((length) => new Uint32Array(length));
  mask.forEach((value, place) => {
    if (!value) return;
    counts[0][place % size[0]] += 1;
    counts[1][Math.floor(place / size[0]) % size[1]] += 1;
    counts[2][Math.floor(place / size[0] / size[1])] += 1;
  });
  return counts.map((count) => {
    const most = Math.max(...count);
    return most ? count.indexOf(most) : Math.floor(count.length / 2);
  });
}
