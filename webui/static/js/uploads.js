// <upload-files>: sends the chosen or dropped files one after the other, with the progress of each.

import { icon, t } from "./texts.js";

class UploadFiles extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input[type=file]");
    this.list = this.querySelector("[data-files]");
    this.queue ??= [];
    this.input.addEventListener("change", () => {
      this.add(this.input.files);
      this.input.value = "";
    });
    this.addEventListener("dragover", (event) => event.preventDefault());
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      this.add(event.dataTransfer.files);
    });
  }

  add(files) {
    for (const file of files) {
      const line = document.createElement("li");
      const name = document.createElement("p");
      name.className = "wrap";
      name.translate = false;
      name.textContent = file.name;
      const bar = document.createElement("progress");
      bar.max = 1;
      bar.value = 0;
      bar.setAttribute("aria-label", t("Upload of {name}", { name: file.name }));
      line.append(name, bar);
      this.list.prepend(line);
      this.queue.push({ file, line, bar });
    }
    if (!this.sending) this.sendAll();
  }

  async sendAll() {
    this.sending = true;
    while (this.queue.length) await this.send(this.queue.shift());
    this.sending = false;
  }

  send({ file, line, bar }) {
    return new Promise((resolve) => {
      const body = new FormData();
      body.append("file", file);
      const request = new XMLHttpRequest(); // fetch tells nothing of how far it has come
      request.open("POST", this.dataset.to);
      request.setRequestHeader("HX-Request", "true");
      request.upload.addEventListener("progress", ({ loaded, total }) => (bar.value = loaded / Math.max(total, 1)));
      request.upload.addEventListener("load", () => bar.removeAttribute("value"));
      request.addEventListener("loadend", () => {
        const holder = document.createElement("template");
        if (request.status === 200) holder.innerHTML = request.responseText;
        const told = holder.content.querySelectorAll("li");
        line.replaceWith(...(told.length ? told : [this.failed(file.name, request.status)]));
        resolve();
      });
      request.send(body);
    });
  }

  failed(name, status) {
    const line = document.createElement("li");
    line.className = "note bad";
    const words = document.createElement("div");
    const title = document.createElement("strong");
    title.textContent = name;
    const text = document.createElement("p");
    text.textContent = status === 413 ? t("The file is too large.") : t("It did not arrive. Check the connection and try again.");
    words.append(title, text);
    line.append(icon("circle-x"), words);
    return line;
  }
}

customElements.define("upload-files", UploadFiles);
