/// Counts of the reference implementation: parameters of its modules, and what thop with the
/// paper's LayerNorm hook reports at the paper's input of 40 x 32.

#include "sweep/network_profile.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sweep/network_schema.h"

namespace reprise::sweep {
namespace {

NetworkProfile profile(const std::string& text, const NetworkInput& input = {}) {
  return profile_network(resolve_network(boost::json::parse(text).as_object()), input);
}

/// The reference table has three digits behind the point, here rounded and there cut.
void expect_close(std::int64_t count, double unit, double wanted) {
  EXPECT_NEAR(static_cast<double>(count) / unit, wanted, 0.0006);
}

struct PaperRow {
  const char* network;
  std::int64_t parameters;
  double paper_parameters, paper_macs, product_macs;  ///< Millions, billions, billions.
  std::int64_t depth;  ///< Of Table 5, or what its rule gives where the table is off by one.
};

const std::vector<PaperRow> kPaperRows = {
    {R"({"name": "edsr-lite"})", 1'515'269, 1.515, 2.513, 2.513, 32},
    {R"({"name": "edsr"})", 43'080'709, 43.081, 64.223, 64.223, 64},
    {R"({"name": "rdn"})", 5'761'925, 5.762, 7.945, 7.945, 142},
    {R"({"name": "convnet-lite"})", 880'325, 0.877, 1.692, 1.692, 48},
    {R"({"name": "convnet-large"})", 12'452'933, 12.434, 20.996, 20.996, 96},
    {R"({"name": "rcan"})", 32'025'253, 32.025, 41.338, 41.321, 1610},
    {R"({"name": "han"})", 64'194'147, 64.194, 83.865, 83.872, 811},
    {R"({"name": "swinir-lite"})", 911'236, 0.879, 1.147, 1.340, 100},  // The table says 101.
    {R"({"name": "swinir"})", 11'521'996, 11.473, 14.679, 15.654, 150},
    {R"({"name": "rdst-e"})", 2'379'245, 2.347, 3.526, 3.831, 114},
    {R"({"name": "rdst"})", 4'464'965, 4.400, 6.170, 6.779, 226},
    {R"({"name": "rdst-gff"})", 4'497'485, 4.400, 6.169, 6.779, 228},
};

struct Ablation {
  const char* change;  ///< To RDST-E.
  std::int64_t parameters;
  double paper_parameters, paper_macs;
};

/// Figure 8: what the reference reports for each value.
const std::vector<Ablation> kFigure8 = {
    {R"("window": 2)", 2'348'141, 2.347, 3.493},
    {R"("window": 4)", 2'353'901, 2.347, 3.500},
    {R"("window": 8)", 2'379'245, 2.347, 3.526},
    {R"("width": 24, "growth": 12)", 414'725, 0.382, 0.600},
    {R"("width": 24)", 888'845, 0.856, 1.203},
    {R"("width": 36, "growth": 18)", 884'093, 0.852, 1.298},
    {R"("width": 36)", 1'296'653, 1.264, 1.824},
    {R"("width": 48, "growth": 24)", 1'538'933, 1.507, 2.274},
    {R"("width": 48)", 1'793'453, 1.761, 2.598},
    {R"("width": 72, "growth": 36)", 3'405'029, 3.373, 5.056},
    {R"("width": 72)", 3'054'029, 3.022, 4.608},
    {R"("width": 96, "growth": 48)", 6'013'013, 5.981, 8.948},
    {R"("width": 96)", 4'670'573, 4.638, 7.233},
    {R"("width": 132, "growth": 66)", 11'316'029, 11.284, 16.864},
    {R"("width": 132)", 7'762'829, 7.730, 12.324},
    {R"("layers": 4)", 4'105'805, 4.041, 5.711},
    {R"("layers": 6)", 5'832'365, 5.735, 7.895},
    {R"("layers": 8)", 7'558'925, 7.429, 10.079},
    {R"("dense_layers": 2)", 1'356'005, 1.334, 2.227},
    {R"("dense_layers": 4)", 3'927'365, 3.884, 5.495},
    {R"("dense_layers": 5)", 6'115'565, 6.062, 8.281},
    {R"("blocks": 2)", 293'525 + 2 * 521'430, 1.320, 2.205},
    {R"("blocks": 12)", 293'525 + 12 * 521'430, 6.454, 8.813},
};

struct FourChannels {
  const char* name;
  std::int64_t parameters;
};

const std::vector<FourChannels> kBrats = {
    {"edsr-lite", 1'518'764}, {"edsr", 43'094'572},      {"rdn", 5'765'420},
    {"rcan", 32'028'748},     {"han", 64'201'098},       {"swinir-lite", 938'824},
    {"swinir", 11'604'664},   {"convnet-lite", 883'820}, {"convnet-large", 12'463'340},
    {"rdst-e", 2'382'524},    {"rdst", 4'468'244},
};

}  // namespace

TEST(NetworkProfile, AllRowsOfTheReferenceTable) {
  for (const PaperRow& row : kPaperRows) {
    SCOPED_TRACE(row.network);
    const NetworkProfile got = profile(row.network);
    EXPECT_EQ(got.parameters, row.parameters);
    expect_close(got.paper_parameters, 1e6, row.paper_parameters);
    expect_close(got.paper_macs, 1e9, row.paper_macs);
    expect_close(got.product_macs, 1e9, row.product_macs);
    EXPECT_EQ(got.depth, row.depth);
  }
}

TEST(NetworkProfile, EveryValueOfFigure8) {
  for (const Ablation& row : kFigure8) {
    SCOPED_TRACE(row.change);
    const NetworkProfile got = profile(R"({"name": "rdst-e", )" + std::string(row.change) + "}");
    EXPECT_EQ(got.parameters, row.parameters);
    expect_close(got.paper_parameters, 1e6, row.paper_parameters);
    expect_close(got.paper_macs, 1e9, row.paper_macs);
  }
}

TEST(NetworkProfile, FourChannelsOfBrats) {
  for (const FourChannels& row : kBrats) {
    EXPECT_EQ(profile(R"({"name": ")" + std::string(row.name) + "\"}", {.channels = 4}).parameters,
              row.parameters)
        << row.name;
  }
}

TEST(NetworkProfile, CostGrowsWithTheImageAndCountsPaddingToWholeWindows) {
  const auto macs = [](std::int64_t height, std::int64_t width) {
    return profile(R"({"name": "rdst-e"})", {.height = height, .width = width}).paper_macs;
  };
  EXPECT_EQ(macs(80, 64), 4 * macs(40, 32));
  EXPECT_EQ(macs(33, 25), macs(40, 32));
  EXPECT_EQ(profile(R"({"name": "edsr-lite"})", {.height = 5, .width = 7}).paper_macs * 10,
            profile(R"({"name": "edsr-lite"})", {.height = 10, .width = 35}).paper_macs);
}

TEST(NetworkProfile, ReceptiveFields) {
  // 35 convolutions of 3 at LR size, and three behind shuffles, which add one pixel or two.
  EXPECT_EQ(profile(R"({"name": "edsr-lite"})").receptive_field, 1 + 2 * 35 + 2);
  EXPECT_EQ(profile(R"({"name": "convnet-lite"})").receptive_field, 1 + 6 * 16 + 2 + 2 + 2);
  EXPECT_EQ(profile(R"({"name": "rcan"})").receptive_field, 0);
  // One unshifted layer between convolutions of 3: at most two windows and the outer convolutions.
  const char* one = R"({"name": "swinir", "width": 6, "layers": 1, "blocks": 1})";
  EXPECT_EQ(profile(one).receptive_field, 2 * 8 + 2);
  // Shifted windows join more with every pair of layers.
  EXPECT_GT(profile(R"({"name": "swinir", "shift": true})").receptive_field,
            profile(R"({"name": "swinir"})").receptive_field);
}

}  // namespace reprise::sweep
