#include "models/inception.h"

#include <map>
#include <string>
#include <vector>

namespace reprise::models {
namespace {

using Sides = std::array<std::int64_t, 2>;  ///< Rows and columns of a kernel.

/// Convolution without bias, batch normalisation (eps 1e-3), ReLU. Keys `conv`, `bn`.
class ConvNorm : public nn::Module {
 public:
  /// `padded`: the output has the input's size (for stride 1).
  ConvNorm(std::int64_t in, std::int64_t out, Sides kernel, std::int64_t stride, bool padded) {
    const std::int64_t rows = padded ? kernel[0] / 2 : 0, columns = padded ? kernel[1] / 2 : 0;
    conv_ = register_module("conv", nn::Conv2d(nn::Conv2dOptions(in, out, {kernel[0], kernel[1]})
                                                   .stride(stride)
                                                   .padding({rows, columns})
                                                   .bias(false)));
    norm_ = register_module("bn", nn::BatchNorm2d(nn::BatchNorm2dOptions(out).eps(1e-3)));
  }
  torch::Tensor forward(const torch::Tensor& x) { return torch::relu(norm_(conv_(x))); }

 private:
  nn::Conv2d conv_{nullptr};
  nn::BatchNorm2d norm_{nullptr};
};

/// One step of a branch: its name behind "branch", output channels, kernel.
struct Step {
  const char* name;
  std::int64_t out;
  Sides kernel;
};

/// A mixed block: branches side by side, their outputs joined in channels.
class Mixed : public nn::Module {
 public:
  enum class Pool { Average, Maximum, MaximumHalving };

  Mixed(std::int64_t in, Pool pool) : in_(in), pool_(pool) {}

  /// Convolutions behind each other; `halves`: the last has stride 2 and no padding. The last
  /// `fork` of them all work on what comes before them, and their outputs are joined.
  void add_branch(const std::vector<Step>& steps, bool halves = false, std::size_t fork = 0) {
    Branch branch;
    branch.fork = fork;
    std::int64_t channels = in_;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool is_last = i + 1 == steps.size(), is_halved = halves && is_last;
      branch.layers.push_back(
          register_module(std::string("branch") + steps[i].name,
                          std::make_shared<ConvNorm>(channels, steps[i].out, steps[i].kernel,
                                                     is_halved ? 2 : 1, !is_halved)));
      if (i + fork < steps.size()) channels = steps[i].out;
    }
    branches_.push_back(std::move(branch));
  }

  void add_pool_branch(std::int64_t out) {
    pooled_ =
        register_module("branch_pool", std::make_shared<ConvNorm>(in_, out, Sides{1, 1}, 1, true));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    std::vector<torch::Tensor> outputs;
    for (const Branch& branch : branches_) {
      torch::Tensor y = x;
      const std::size_t straight = branch.layers.size() - branch.fork;
      for (std::size_t i = 0; i < straight; ++i) y = branch.layers[i]->forward(y);
      if (branch.fork == 0) outputs.push_back(y);
      for (std::size_t i = straight; i < branch.layers.size(); ++i) {
        outputs.push_back(branch.layers[i]->forward(y));
      }
    }
    torch::Tensor y;
    if (pool_ == Pool::Average) {
      y = torch::avg_pool2d(x, 3, 1, 1, /*ceil_mode=*/false, /*count_include_pad=*/false);
    } else {
      const bool halves = pool_ == Pool::MaximumHalving;
      y = torch::max_pool2d(x, 3, halves ? 2 : 1, halves ? 0 : 1);
    }
    outputs.push_back(pooled_ ? pooled_->forward(y) : y);
    return torch::cat(outputs, 1);
  }

 private:
  struct Branch {
    std::vector<std::shared_ptr<ConvNorm>> layers;
    std::size_t fork = 0;
  };
  std::int64_t in_;
  Pool pool_;
  std::vector<Branch> branches_;
  std::shared_ptr<ConvNorm> pooled_;
};

using Pool = Mixed::Pool;

std::shared_ptr<Mixed> block_a(std::int64_t in, std::int64_t pooled) {
  auto block = std::make_shared<Mixed>(in, Pool::Average);
  block->add_branch({{"1x1", 64, {1, 1}}});
  block->add_branch({{"5x5_1", 48, {1, 1}}, {"5x5_2", 64, {5, 5}}});
  block->add_branch({{"3x3dbl_1", 64, {1, 1}}, {"3x3dbl_2", 96, {3, 3}}, {"3x3dbl_3", 96, {3, 3}}});
  block->add_pool_branch(pooled);
  return block;
}

std::shared_ptr<Mixed> block_b() {
  auto block = std::make_shared<Mixed>(288, Pool::MaximumHalving);
  block->add_branch({{"3x3", 384, {3, 3}}}, /*halves=*/true);
  block->add_branch({{"3x3dbl_1", 64, {1, 1}}, {"3x3dbl_2", 96, {3, 3}}, {"3x3dbl_3", 96, {3, 3}}},
                    /*halves=*/true);
  return block;
}

std::shared_ptr<Mixed> block_c(std::int64_t width) {
  auto block = std::make_shared<Mixed>(768, Pool::Average);
  block->add_branch({{"1x1", 192, {1, 1}}});
  block->add_branch({{"7x7_1", width, {1, 1}}, {"7x7_2", width, {1, 7}}, {"7x7_3", 192, {7, 1}}});
  block->add_branch({{"7x7dbl_1", width, {1, 1}},
                     {"7x7dbl_2", width, {7, 1}},
                     {"7x7dbl_3", width, {1, 7}},
                     {"7x7dbl_4", width, {7, 1}},
                     {"7x7dbl_5", 192, {1, 7}}});
  block->add_pool_branch(192);
  return block;
}

std::shared_ptr<Mixed> block_d() {
  auto block = std::make_shared<Mixed>(768, Pool::MaximumHalving);
  block->add_branch({{"3x3_1", 192, {1, 1}}, {"3x3_2", 320, {3, 3}}}, /*halves=*/true);
  block->add_branch({{"7x7x3_1", 192, {1, 1}},
                     {"7x7x3_2", 192, {1, 7}},
                     {"7x7x3_3", 192, {7, 1}},
                     {"7x7x3_4", 192, {3, 3}}},
                    /*halves=*/true);
  return block;
}

std::shared_ptr<Mixed> block_e(std::int64_t in, Pool pool) {
  auto block = std::make_shared<Mixed>(in, pool);
  block->add_branch({{"1x1", 320, {1, 1}}});
  block->add_branch({{"3x3_1", 384, {1, 1}}, {"3x3_2a", 384, {1, 3}}, {"3x3_2b", 384, {3, 1}}},
                    /*halves=*/false, /*fork=*/2);
  block->add_branch({{"3x3dbl_1", 448, {1, 1}},
                     {"3x3dbl_2", 384, {3, 3}},
                     {"3x3dbl_3a", 384, {1, 3}},
                     {"3x3dbl_3b", 384, {3, 1}}},
                    /*halves=*/false, /*fork=*/2);
  block->add_pool_branch(192);
  return block;
}

}  // namespace

struct FidInception::Parts {
  std::vector<std::shared_ptr<ConvNorm>> stem;
  std::vector<std::shared_ptr<Mixed>> blocks;
};

FidInception::FidInception() : parts_(std::make_unique<Parts>()) {
  const auto stem = [&](const char* name, std::int64_t in, std::int64_t out, std::int64_t side,
                        std::int64_t stride, bool padded) {
    parts_->stem.push_back(register_module(
        name, std::make_shared<ConvNorm>(in, out, Sides{side, side}, stride, padded)));
  };
  stem("Conv2d_1a_3x3", 3, 32, 3, 2, false);
  stem("Conv2d_2a_3x3", 32, 32, 3, 1, false);
  stem("Conv2d_2b_3x3", 32, 64, 3, 1, true);
  stem("Conv2d_3b_1x1", 64, 80, 1, 1, false);
  stem("Conv2d_4a_3x3", 80, 192, 3, 1, false);
  const auto mixed = [&](const char* name, std::shared_ptr<Mixed> block) {
    parts_->blocks.push_back(register_module(name, std::move(block)));
  };
  mixed("Mixed_5b", block_a(192, 32));
  mixed("Mixed_5c", block_a(256, 64));
  mixed("Mixed_5d", block_a(288, 64));
  mixed("Mixed_6a", block_b());
  mixed("Mixed_6b", block_c(128));
  mixed("Mixed_6c", block_c(160));
  mixed("Mixed_6d", block_c(160));
  mixed("Mixed_6e", block_c(192));
  mixed("Mixed_7a", block_d());
  mixed("Mixed_7b", block_e(1280, Pool::Average));
  mixed("Mixed_7c", block_e(2048, Pool::Maximum));
}

FidInception::~FidInception() = default;

torch::Tensor FidInception::forward(const torch::Tensor& images) {
  constexpr std::int64_t kSide = 299;
  const auto channels = images.size(1);
  TORCH_CHECK(channels == 1 || channels == 3, "Inception takes 1 or 3 channels, not ", channels);
  torch::Tensor x = images.expand({images.size(0), 3, images.size(2), images.size(3)});
  x = 2 * torch::upsample_bilinear2d(x, std::vector<std::int64_t>{kSide, kSide}, false) - 1;
  for (std::size_t i = 0; i < parts_->stem.size(); ++i) {
    x = parts_->stem[i]->forward(x);
    if (i == 2 || i == 4) x = torch::max_pool2d(x, 3, 2);
  }
  for (const auto& block : parts_->blocks) x = block->forward(x);
  return x.mean(std::vector<std::int64_t>{2, 3});
}

}  // namespace reprise::models
