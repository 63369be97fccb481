// What the phone's lock screen and the keyboard's media keys show and do.

import { page } from "../texts.js";

export function showOnSystem(player, recording) {
  if (!("mediaSession" in navigator)) return;
  const artwork = [{ src: page.mark, type: "image/svg+xml", sizes: "any" }];
  navigator.mediaSession.metadata = new MediaMetadata({ title: recording.title, artist: recording.when, album: recording.device, artwork });
  const act = {
    play: () => player.play(),
    pause: () => player.pause(),
    stop: () => player.close(),
    seekbackward: ({ seekOffset }) => player.jump(-(seekOffset ?? 5)),
    seekforward: ({ seekOffset }) => player.jump(seekOffset ?? 5),
    seekto: ({ seekTime }) => player.seek(seekTime),
    previoustrack: () => player.step(-1),
    nexttrack: () => player.step(1),
  };
  for (const [name, handler] of Object.entries(act)) navigator.mediaSession.setActionHandler(name, handler);
}

export function showPosition({ duration, playbackRate, currentTime }) {
  if (!("mediaSession" in navigator) || !Number.isFinite(duration) || duration <= 0) return;
  navigator.mediaSession.setPositionState({ duration, playbackRate, position: Math.min(currentTime, duration) });
}

export function forgetOnSystem() {
  if ("mediaSession" in navigator) navigator.mediaSession.metadata = null;
}
