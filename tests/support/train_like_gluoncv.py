"""A training script written as GluonCV's are, which knows nothing of bmx; for `test_gluoncv_scripts.py`."""

import argparse
import logging
import os

import mxnet as mx
from gluoncv.model_zoo import get_model
from mxnet import autograd, gluon


def parse_args():
    parser = argparse.ArgumentParser(description="Trains on random images.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--classes", type=int, default=4)
    parser.add_argument("--shape", default="3,16,16")
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--wd", type=float, default=0.0)
    parser.add_argument("--mode", default="imperative")
    parser.add_argument("--use-pretrained", action="store_true")
    parser.add_argument("--last-gamma", action="store_true")
    parser.add_argument("--save-dir", default=".")
    return parser.parse_args()


def main():
    opt = parse_args()
    logging.basicConfig(level=logging.INFO)
    logging.info(opt)
    mx.random.seed(5)
    context = [mx.cpu()]
    kwargs = {"ctx": context, "pretrained": opt.use_pretrained, "classes": opt.classes}
    if opt.last_gamma:
        kwargs["last_gamma"] = True
    net = get_model(opt.model, **kwargs)
    if not opt.use_pretrained:
        net.initialize(mx.init.Xavier(), ctx=context)
    if opt.mode == "hybrid":
        net.hybridize()
    shape = tuple(int(size) for size in opt.shape.split(","))
    images = mx.nd.random.normal(shape=(opt.batches, opt.batch_size, *shape))
    labels = mx.nd.random.randint(0, opt.classes, (opt.batches, opt.batch_size)).astype("float32")
    optimizer_params = {"learning_rate": opt.lr, "wd": opt.wd, "momentum": 0.9}
    trainer = gluon.Trainer(net.collect_params(), "nag", optimizer_params)
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    for image, label in zip(images, labels):
        with autograd.record():
            losses = [
                loss(net(x), y)
                for x, y in zip(
                    gluon.utils.split_and_load(image, ctx_list=context),
                    gluon.utils.split_and_load(label, ctx_list=context),
                )
            ]
        for value in losses:
            value.backward()
        trainer.step(opt.batch_size)
    net.save_parameters(os.path.join(opt.save_dir, "net.params"))


if __name__ == "__main__":
    main()
