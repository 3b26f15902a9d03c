"""What re-implementations of SimCLR get wrong, done to a copy of the trainer one by one: a comparison must notice each.

    python3 tests/parity/mistakes.py [NAME...]      builds and compares once for each: about a minute
"""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
TRAINER = "agent/trainer/"

# Name: file, what stands there, what the mistake is, the comparison that must fail.
MISTAKES = {
    "relu_after_the_stem": ("networks/resnet18_cifar.cc", "stem_norm_.Forward(stem_.Forward(images), training, Activation::kNone)",
                            "stem_norm_.Forward(stem_.Forward(images), training, Activation::kRelu)", "training"),
    "stem_of_7x7": ("networks/resnet18_cifar.cc", "stem_(/*in=*/3, kStemChannels, /*kernel=*/3,",
                    "stem_(/*in=*/3, kStemChannels, /*kernel=*/7,", "start"),
    "biases_in_the_head": ("layers.cc", "void Linear::Visit(const std::string& prefix, const TensorVisitor& visit) {",
                           "void Linear::Visit(const std::string& prefix, const TensorVisitor& visit) {\n"
                           "  at::Tensor bias = weight_.select(1, 0).detach().clone();\n"
                           "  visit(prefix + \".bias\", bias, true);", "start"),
    "head_without_its_last_norm": ("simclr_head.cc",
                                   "return out_norm_.Forward(out_.Forward(hidden), training, Activation::kNone);",
                                   "const at::Tensor out = out_.Forward(hidden);\n"
                                   "  return out.add(out_norm_.Forward(out, training, Activation::kNone).mul(0));",
                                   "training"),
    "no_relu_in_the_head": ("simclr_head.cc", "hidden_norm_.Forward(hidden_.Forward(features), training, "
                            "Activation::kRelu)",
                            "hidden_norm_.Forward(hidden_.Forward(features), training, Activation::kNone)", "training"),
    "one_pass_over_both_views": ("train_step.cc",
                                 "for (size_t view = 0; view < kViews; ++view)\n"
                                 "      embeddings[view] = model_.Embed(batch.images[view]);",
                                 "const at::Tensor all = batch.images[0].repeat({2, 1, 1, 1});\n"
                                 "    all.narrow(0, batch.images[0].size(0), batch.images[0].size(0))"
                                 ".copy_(batch.images[1]);\n"
                                 "    const at::Tensor both = model_.Embed(all);\n"
                                 "    for (size_t view = 0; view < kViews; ++view)\n"
                                 "      embeddings[view] = both.chunk(2)[view];", "training"),
    "no_decay_of_norms": ("sgd.cc", "gradients.push_back(LaidOutAs(parameter, parameter.grad()));",
                          "gradients.push_back(LaidOutAs(parameter, parameter.dim() > 1 ? parameter.grad() : "
                          "parameter.grad().sub(parameter, weight_decay_)));", "training"),
    "nesterov": ("sgd.cc", "/*nesterov=*/false", "/*nesterov=*/true", "training"),
    "temperature_of_a_tenth": ("train_step.cc", "temperature_(workload.temperature)", "temperature_(0.1)", "training"),
    "similar_to_itself": ("ntxent.cc",
                          "similarities.scatter_(1, self.unsqueeze(1), -std::numeric_limits<double>::infinity());", "", "training"),
    "loss_over_one_view": ("ntxent.cc", "return at::cross_entropy_loss(similarities, at::cat({image + all_images, image}));",
                           "return at::cross_entropy_loss(similarities.narrow(0, 0, images), "
                           "image + all_images);", "training"),
    "loss_without_normalised_rows": ("ntxent.cc", "NormalizedRows(at::cat({first, second}))", "at::cat({first, second})",
                                     "training"),
    "momentum_of_the_norms": ("norm_passes.h", "kNormMomentum = 0.1", "kNormMomentum = 0.01", "training"),
    "biased_running_variance": ("norm_passes.cc", "kNormMomentum * deviations / (rows - 1)",
                                "kNormMomentum * deviations / rows", "training"),
    "rate_falls_each_step": ("train_loop.cc", "step_.Run(feed_.Next(clock_), learning_rate, clock_)",
                             "step_.Run(feed_.Next(clock_), learning_rate * (1 - 0.5 * step / "
                             "workload_.steps_per_epoch), clock_)", "run"),
    "statistics_of_cifar": ("pixels.cc", "0.485f, 0.456f, 0.406f", "0.4914f, 0.4822f, 0.4465f", "evaluation"),
    "crop_from_a_fifth": ("augment.cc", "kMinArea = 0.08", "kMinArea = 0.2", "draws"),
    "jitter_in_one_order": ("augment.cc", "draw.order[static_cast<size_t>(random.Below(left))]",
                            "draw.order[static_cast<size_t>(0 * random.Below(left) + left - 1)]", "draws"),
    "both_views_alike": ("augment.cc", "static_cast<uint64_t>(image), view}", "static_cast<uint64_t>(image), 0 * view}",
                         "draws"),
    "one_draw_for_many_images": ("augment.cc", "static_cast<uint64_t>(image), view}",
                                 "static_cast<uint64_t>(image / 128), view}", "draws"),
    "blur": ("augment.cc", "if (draw.grayscale) MakeGray(out);",
             "if (draw.grayscale) MakeGray(out);\n"
             "  for (int i = 1; i < kPlaneBytes; ++i)\n"
             "    out[i] = static_cast<uint8_t>((out[i - 1] + out[i]) / 2);", "augmentation"),
    "contrast_without_rounding": ("color.cc", "/ kPlaneBytes + 0.5", "/ kPlaneBytes", "augmentation"),
    "evaluation_drops_the_last": ("evaluation.cc", "start < end; start += FeatureMaker::kBatch) {\n    const int64_t "
                                  "images", "start + FeatureMaker::kBatch <= end || start == begin; start += "
                                  "FeatureMaker::kBatch) {\n    const int64_t images", "run"),
    "vote_without_normalised_features": ("feature_maker.cc",
                                         "return NormalizedRows(model.Features(normalize_(images)));",
                                         "return model.Features(normalize_(images)).to(at::kFloat);", "evaluation"),
    "vote_on_the_heads_output": ("model.cc", "return network_->Forward(images, /*training=*/false);",
                                 "return head_->Forward(network_->Forward(images, false), false).repeat({1, 4});",
                                 "evaluation"),
    "vote_with_one_weight": ("knn.cc", "similarity.div(options.temperature).exp_()", "similarity.mul(0).exp_()",
                             "evaluation"),
    "last_accuracy": ("train_loop.cc", "std::max(progress_made_.max_knn_accuracy, lap.knn_accuracy.value_or(0))",
                      "lap.knn_accuracy.value_or(0)", "run"),
}


def copy_tree(directory):
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           check=True, capture_output=True).stdout
    for name in files.decode().split("\0"):
        if name and os.path.exists(os.path.join(ROOT, name)):
            os.makedirs(os.path.join(directory, os.path.dirname(name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(directory, name))


def build(directory):
    done = subprocess.run([os.path.join(directory, "deploy", "build"), "--only", "^laptime-trainer$"],
                          capture_output=True, text=True, env={**os.environ, "LAPTIME_BUILD_DIR": ""})
    if done.returncode != 0:
        raise SystemExit(f"error: the trainer does not build\n{done.stderr[-3000:]}")


def compare(directory, name):
    environment = {**os.environ, "LAPTIME_BIN": os.path.join(directory, "build", "release", "bin")}
    return subprocess.run([os.path.join(ROOT, "tests", "parity", "run"), name], capture_output=True, text=True,
                          env=environment)


def why(done):
    lines = [line for line in done.stderr.splitlines() if line.startswith("AssertionError")]
    return lines[0][16:130] if lines else done.stderr.strip().splitlines()[-1][:114]


def main():
    names = sys.argv[1:] or list(MISTAKES)
    missed = []
    with tempfile.TemporaryDirectory(prefix="laptime-mistakes-") as directory:
        copy_tree(directory)
        build(directory)
        for name in names:
            file, right, wrong, comparison = MISTAKES[name]
            path = os.path.join(directory, TRAINER + file)
            with open(path, encoding="utf-8") as source:
                text = source.read()
            if right not in text:
                raise SystemExit(f"error: {file} no longer has what {name} changes: {right}")
            with open(path, "w", encoding="utf-8") as source:
                source.write(text.replace(right, wrong, 1))
            build(directory)
            done = compare(directory, comparison)
            with open(path, "w", encoding="utf-8") as source:
                source.write(text)
            if done.returncode == 0:
                missed.append(name)
            print(f"{name}: " + (f"NOT noticed by {comparison}" if done.returncode == 0 else
                                 f"{comparison} failed: {why(done)}"), flush=True)
    print(f"{len(names) - len(missed)} of {len(names)} mistakes noticed")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
