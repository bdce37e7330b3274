#pragma once
/// What stages cost by what was measured, and by the model where nothing was.
///
/// Stages of one **shape** cost alike a step: trainings of one kind with the same network, scale,
/// loss terms, precision, patch, batch and validation, whatever their seeds, rates and lengths;
/// evaluations of one method and network on one data set. A shape that was never measured is
/// modelled (cost_model.h), times what its nearest measured relative took over what the model says
/// of that one. Nearest: of the same kind, network and loss first, then of the same kind, then any
/// training; among these the one whose modelled step is nearest in size.
///
/// Pure: the same measurements in the same order give the same estimates.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sweep/cost_model.h"
#include "sweep/stage.h"
#include "sweep/step_cost.h"

namespace reprise::sweep {

enum class CostBasis : std::uint8_t {
  Measured,  ///< This shape, on this kind of device.
  Scaled,    ///< Modelled, times measured over modelled of the nearest measured shape.
  Modelled,  ///< Nothing like it was measured.
};

struct CostEstimate {
  double seconds = 0;  ///< Of the whole stage, from its first step to its last.
  int ranks = 1;       ///< Of the gang that takes so long.
  CostBasis basis = CostBasis::Modelled;
  [[nodiscard]] double device_seconds() const { return seconds * ranks; }
};

class CostBook {
 public:
  using Shape = std::size_t;

  /// Nothing is measured. `device`: whose costs these are.
  CostBook() : CostBook("cuda") {}
  explicit CostBook(std::string_view device) : model_(device) {}
  /// Of what was measured on `setting.device`, oldest first. Where a shape was measured with
  /// `setting.threads`, samples with other numbers of threads say nothing of it.
  CostBook(const std::vector<CostSample>& samples, const Setting& setting);

  /// The number of a stage's shape.
  Shape shape_of(const Stage& stage);
  /// Counts a quarter beside what was measured before. True if it is the shape's first.
  bool add(Shape shape, int ranks, const StepCost& cost);

  [[nodiscard]] bool is_measured(Shape shape, int ranks) const {
    return shapes_[shape].by_ranks.contains(ranks);
  }
  /// By the gang of the fewest ranks that was measured.
  [[nodiscard]] CostEstimate estimate(Shape shape, std::int64_t steps) const;
  CostEstimate estimate(const Stage& stage);
  /// As measured with the nearest number of ranks; nothing where the shape was never measured.
  [[nodiscard]] std::optional<double> seconds(Shape shape, std::int64_t steps, int ranks) const;
  /// The largest gang, doubling from `min` up to `max`, whose last doubling gave at least half of
  /// what it could (1.5 times the speed). What was never measured is tried: `max` where nothing
  /// was, half of the only one that was, and one doubling more where the last one paid.
  [[nodiscard]] int best_ranks(Shape shape, int min, int max) const;
  /// How many times as fast as `min` ranks so many are, as far as that was measured; where it was
  /// not, 1.5 for each doubling.
  [[nodiscard]] double speedup(Shape shape, int min, int ranks) const;

  /// What the model says of one step.
  [[nodiscard]] double modelled_step(Shape shape) const { return shapes_[shape].modelled; }
  CostModel& model() { return model_; }

 private:
  /// Groups of relatives, near to far.
  static constexpr std::size_t kFamilies = 3;
  using Family = std::set<std::pair<double, Shape>>;  ///< By the modelled step.

  struct Known {
    double modelled = 0;  ///< Seconds a step.
    std::array<std::string, kFamilies> families;
    std::map<int, StepCost> by_ranks;
  };

  [[nodiscard]] const Known* nearest(const Known& shape) const;

  CostModel model_;
  std::vector<Known> shapes_;
  std::unordered_map<std::string, Shape> index_;
  std::map<std::string, Family> measured_;
};

}  // namespace reprise::sweep
